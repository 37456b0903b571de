/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * diagram.c - draws the stack: the VPC with its two subnets, and in them the NAT gateway, the server, the function and
 * the storage; outside of the VPC the Internet and the image repository. A part that is missing has a dashed edge.
 *
 * Colours are attributes, because thumbnailers ignore style sheets; diagram.css only changes them for a dark page.
 */
#include "fs/picture/diagram.h"

#include "base/markup.h"
#include "fs/picture/slots.h"
#include "fs/picture/templates.h"
#include "fs/picture/words.h"

#include <string.h>

#define MONOSPACE   "font-family=\"ui-monospace, 'SF Mono', 'DejaVu Sans Mono', monospace\""
#define SMALL	    13 /* font size of IDs and details */
#define SMALL_WIDTH 79 /* tenths of the width of a monospaced letter of that size */

/* -- states ------------------------------------------------------------------------------------------------------ */

static const struct {
	const char *class, *ink, *edge, *sign; /* sign: the path data of the symbol; NULL: an empty circle */
	bool is_dashed;
} diagram_looks[PART_STATES] = {
	[PART_UNKNOWN] = {"unknown", "#57606a", "#8c959f", "M-2.6-2.4a2.6 2.4 0 1 1 3.9 2.1Q0 .6 0 1.4M0 4.4v.1", true},
	[PART_MISSING] = {"missing", "#57606a", "#8c959f", NULL, true},
	[PART_READY] = {"ready", "#116329", "#1a7f37", "M-3.8.2-1.2 2.9 3.9-2.7", false},
	[PART_BUSY] = {"busy", "#7a4b00", "#9a6700", "M-4 0h.1M0 0h.1M4 0h.1", false},
	[PART_FAILED] = {"failed", "#a40e26", "#cf222e", "M-3-3 3 3M3-3-3 3", false},
};

const char *diagram_class(enum part_state state)
{
	return diagram_looks[state].class;
}

void diagram_put_sign(enum part_state state, int x, int y, struct buf *out)
{
	if (!diagram_looks[state].sign) {
		markup(out,
		       "<circle class=\"edge\" cx=\"%d\" cy=\"%d\" r=\"7\" fill=\"none\" stroke=\"%s\" "
		       "stroke-width=\"2\" stroke-dasharray=\"3 2.5\"/>",
		       x, y, diagram_looks[state].edge);
		return;
	}
	markup(out, "<circle class=\"disc\" cx=\"%d\" cy=\"%d\" r=\"9\" fill=\"%s\"/>", x, y,
	       diagram_looks[state].edge);
	markup(out,
	       "<path class=\"sign\" transform=\"translate(%d %d)\" d=\"%s\" fill=\"none\" stroke=\"#ffffff\" "
	       "stroke-width=\"2\" stroke-linecap=\"round\" stroke-linejoin=\"round\"/>",
	       x, y, diagram_looks[state].sign);
}

/* -- boxes ------------------------------------------------------------------------------------------------------- */

/*
 * A part and its place. If the box has three lines, the detail is the third line; else it is at the end of the second
 * line.
 */
struct diagram_box {
	const char *name;
	struct part (*part)(const struct picture *p);
	int x, y, width, height;
	bool has_three_lines;
};

static void diagram_put_small(struct buf *out, int x, int y, const char *anchor, const char *text, int columns)
{
	if (*text)
		markup(out,
		       "<text class=\"muted\" x=\"%d\" y=\"%d\" text-anchor=\"%s\" font-size=\"%d\" " MONOSPACE
		       " fill=\"#57606a\">%.*s</text>",
		       x, y, anchor, SMALL, columns, text);
}

static void diagram_put_id(struct buf *out, const struct diagram_box *b, const struct part *part)
{
	int columns = (b->width - 24) * 10 / SMALL_WIDTH, detail = (int)strlen(part->detail);

	if (b->has_three_lines) {
		diagram_put_small(out, b->x + 12, b->y + 46, "start", part->id, columns);
		diagram_put_small(out, b->x + 12, b->y + 64, "start", part->detail, columns);
		return;
	}
	detail = detail > columns / 2 ? columns / 2 : detail;
	diagram_put_small(out, b->x + 12, b->y + 46, "start", part->id, columns - detail - (detail ? 1 : 0));
	diagram_put_small(out, b->x + b->width - 12, b->y + 46, "end", part->detail, detail);
}

static void diagram_put_box(const struct picture *p, const struct diagram_box *b, struct buf *out)
{
	const struct part part = b->part(p);

	markup(out, "<g class=\"part %s\"><title>%s %s: %s %s %s</title>", diagram_looks[part.state].class, b->name,
	       part.id, part.word, part.detail, part.condition);
	markup(out,
	       "<rect class=\"box edge\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"9\" fill=\"#ffffff\" "
	       "stroke=\"%s\" stroke-width=\"1.6\"",
	       b->x, b->y, b->width, b->height, diagram_looks[part.state].edge);
	buf_puts(out, diagram_looks[part.state].is_dashed ? " stroke-dasharray=\"6 5\"/>" : "/>");
	diagram_put_sign(part.state, b->x + 20, b->y + 20, out);
	markup(out,
	       "<text class=\"ink\" x=\"%d\" y=\"%d\" font-size=\"15\" font-weight=\"600\" fill=\"#1b1f24\">%s</text>",
	       b->x + 34, b->y + 25, b->name);
	markup(out, "<text class=\"word\" x=\"%d\" y=\"%d\" text-anchor=\"end\" font-size=\"13\" fill=\"%s\">%s</text>",
	       b->x + b->width - 12, b->y + 24, diagram_looks[part.state].ink, part.word);
	diagram_put_id(out, b, &part);
	buf_puts(out, "</g>\n");
}

/* -- frames ------------------------------------------------------------------------------------------------------ */

static void diagram_put_frame(const struct picture *p, const struct diagram_box *b, const char *class,
			      const char *colour, struct buf *out)
{
	const struct part part = b->part(p);
	bool is_dashed = diagram_looks[part.state].is_dashed;

	markup(out, "<g class=\"frame %s\"><title>%s %s %s %s</title>", class, b->name, part.id, part.detail,
	       part.word);
	markup(out,
	       "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"12\" fill=\"%s\" stroke=\"#afb8c1\" "
	       "stroke-width=\"1.4\"",
	       b->x, b->y, b->width, b->height, colour);
	buf_puts(out, is_dashed ? " stroke-dasharray=\"6 5\"/>" : "/>");
	markup(out,
	       "<text class=\"ink\" x=\"%d\" y=\"%d\" font-size=\"13\" font-weight=\"600\" fill=\"#1b1f24\">%s</text>",
	       b->x + 10, b->y + 20, b->name);
	diagram_put_small(out, b->x + b->width - 10, b->y + 20, "end", part.detail, 20);
	/*
	 * If there is a detail, it is written beside the name and the ID below the name. Without a detail the ID is
	 * written beside the name.
	 */
	if (b->has_three_lines)
		diagram_put_small(out, b->x + 10, b->y + 37, "start", *part.id ? part.id : part.word, 44);
	else
		diagram_put_small(out, b->x + b->width - 10, b->y + 20, "end", *part.id ? part.id : part.word, 42);
	buf_puts(out, "</g>\n");
}

static void diagram_put_arrow(struct buf *out, const char *path)
{
	markup(out,
	       "<path class=\"arrow\" d=\"%s\" fill=\"none\" stroke=\"#57606a\" stroke-width=\"1.6\" "
	       "stroke-linecap=\"round\" stroke-linejoin=\"round\"/>\n",
	       path);
}

void diagram_put(const struct picture *p, struct buf *out)
{
	static const struct diagram_box vpc = {"VPC", part_of_vpc, 4, 88, 392, 476, false},
					public = {"Public subnet", part_of_public_subnet, 14, 120, 372, 116, true},
					private = {"Private subnet", part_of_private_subnet, 14, 256, 372, 298, true};
	static const struct diagram_box boxes[] = {
		{"Images (ECR)", part_of_repository, 158, 6, 238, 58, false},
		{"NAT gateway", part_of_nat, 24, 166, 352, 58, false},
		{"Function", part_of_function, 24, 302, 352, 58, false},
		{"Server", part_of_server, 24, 384, 352, 76, true},
		{"Storage (EFS)", part_of_storage, 24, 484, 352, 58, false},
	};

	diagram_put_frame(p, &vpc, "vpc", "#f6f8fa", out);
	diagram_put_frame(p, &public, "public", "#eef7f0", out);
	diagram_put_frame(p, &private, "private", "#edf3fb", out);
	buf_puts(out, "<text class=\"ink\" x=\"71\" y=\"40\" text-anchor=\"middle\" font-size=\"15\" "
		      "font-weight=\"600\" fill=\"#1b1f24\">Internet</text>\n");
	for (size_t i = 0; i < ARRAY_SIZE(boxes); i++)
		diagram_put_box(p, &boxes[i], out);
	diagram_put_arrow(out, "M71 86V50M66 55l5-5 5 5");
	diagram_put_arrow(out, "M277 66V86M272 81l5 5 5-5");
	diagram_put_arrow(out, "M200 254V238M195 243l5-5 5 5");
	diagram_put_arrow(out, "M200 362V382M195 377l5 5 5-5");
	diagram_put_arrow(out, "M200 462V482M195 477l5 5 5-5");
}

static void diagram_put_style(const struct picture *p _unused_, struct buf *out)
{
	buf_puts(out, template_diagram_css);
}

static const struct slot diagram_slots[] = {
	{"style", diagram_put_style}, {"shapes", diagram_put}, {"origin", words_put_origin}, {NULL, NULL}};

int picture_put_diagram(const struct picture *p, struct buf *out)
{
	return slots_fill(template_diagram_svg, diagram_slots, p, out);
}
