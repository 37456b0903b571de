/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * status.c - draws status.svg, a traffic light with figures. File managers show it as a thumbnail of 64 pixels, a
 * quarter of its size, so the lamp, the word and the figures are large. Lamps differ by place and sign as well as by
 * colour. Colours are attributes, which every thumbnailer understands; the style only changes them for a dark page.
 */
#include "fs/picture/status.h"

#include "base/markup.h"
#include "fs/picture/light.h"
#include "fs/picture/slots.h"
#include "fs/picture/templates.h"
#include "fs/picture/words.h"

#include <inttypes.h>
#include <string.h>

/* -- the lamps ------------------------------------------------------------------------------------------------- */

static const struct {
	enum lamp lamp;
	const char *colour, *sign; /* a path around the centre of the lamp */
} status_lamps[] = {
	{LAMP_RED, "#e5484d", "M-13-13 13 13M13-13-13 13"},
	{LAMP_AMBER, "#f5b63d", "M-15 0h.1M0 0h.1M15 0h.1"},
	{LAMP_GREEN, "#3fc66b", "M-15 1-5 11 15-10"},
};

#define STATUS_QUESTION "M-10-8a10 9 0 1 1 15 8q-5 3-5 8M0 17v.1"

void status_put_lamps(const struct picture *p, struct buf *out)
{
	struct light l;

	light_decide(p, &l);
	for (size_t i = 0; i < ARRAY_SIZE(status_lamps); i++) {
		bool is_lit = status_lamps[i].lamp == l.lamp;
		const char *sign = is_lit && l.is_doubtful ? STATUS_QUESTION : status_lamps[i].sign;

		markup(out, "<g transform=\"translate(%d 60)\"><circle r=\"31\" fill=\"%s\"/>", 62 + 66 * (int)i,
		       is_lit ? status_lamps[i].colour : "#3d444d");
		if (is_lit)
			markup(out,
			       "<path d=\"%s\" fill=\"none\" stroke=\"#1b1f24\" stroke-width=\"9\" "
			       "stroke-linecap=\"round\" stroke-linejoin=\"round\"/>",
			       sign);
		buf_puts(out, "</g>\n");
	}
}

/* -- the word and the sentence --------------------------------------------------------------------------------- */

static void status_put_title(const struct picture *p, struct buf *out)
{
	const char *stage = words_setting(p, SETTING_STAGE);
	struct light l;

	light_decide(p, &l);
	markup(out, "%s%s%s", stage, *stage ? ": " : "vastfs: ", l.word);
}

static void status_put_sentence(const struct picture *p, struct buf *out)
{
	struct light l;

	light_decide(p, &l);
	markup(out, "%s", l.sentence);
}

static void status_put_word(const struct picture *p, struct buf *out)
{
	struct light l;

	light_decide(p, &l);
	markup(out, "%s", l.word);
}

/* On average, the width of a bold letter is at most 0.7 of its height. */
static void status_put_word_size(const struct picture *p, struct buf *out)
{
	struct light l;
	int fits;

	light_decide(p, &l);
	fits = 224 * 10 / (7 * (int)strlen(l.word));
	markup(out, "%d", fits < 42 ? fits : 42);
}

/* -- the figures, or the progress bar of the running operation ------------------------------------------------- */

static void status_put_figure(struct buf *out, int x, uint64_t number, const char *label)
{
	char text[24];
	size_t len;

	/* A figure of a million or more would not fit beside two other figures. */
	snprintf(text, sizeof(text), number < 1000000 ? "%" PRIu64 : ">999k", number);
	len = strlen(text);
	markup(out,
	       "<text class=\"ink\" x=\"%d\" y=\"195\" text-anchor=\"middle\" font-weight=\"700\" font-size=\"%d\" "
	       "fill=\"#1b1f24\">%s</text>",
	       x,
	       len < 3	 ? 40
	       : len < 4 ? 34
			 : 20,
	       text);
	markup(out,
	       "<text class=\"muted\" x=\"%d\" y=\"219\" text-anchor=\"middle\" font-size=\"14\" "
	       "fill=\"#57606a\">%s</text>\n",
	       x, label);
}

static void status_put_counts(const struct picture *p, struct buf *out)
{
	unsigned tasks = words_live_tasks(p), queries = words_in_flight(p->snapshot->queries);

	status_put_figure(out, 50, tasks, tasks == 1 ? "task" : "tasks");
	status_put_figure(out, 128, queries, queries == 1 ? "query" : "queries");
	status_put_figure(out, 206, p->imports.imports, p->imports.imports == 1 ? "import" : "imports");
}

static void status_put_bar(const struct job_view *v, struct buf *out)
{
	unsigned total = v->total ? v->total : 1, done = v->done < total ? v->done : total;

	buf_puts(out, "<rect class=\"track\" x=\"16\" y=\"166\" width=\"224\" height=\"26\" rx=\"13\" "
		      "fill=\"#d0d7de\"/>");
	if (done && v->total)
		markup(out,
		       "<rect class=\"bar\" x=\"16\" y=\"166\" width=\"%u\" height=\"26\" rx=\"13\" "
		       "fill=\"#b07300\"/>",
		       26 + (224 - 26) * done / total);
	markup(out,
	       "<text class=\"ink\" x=\"128\" y=\"214\" text-anchor=\"middle\" font-size=\"15\" "
	       "fill=\"#1b1f24\">%.*s</text>\n",
	       26, *v->step ? v->step : job_state_name(v->state));
}

static void status_put_figures(const struct picture *p, struct buf *out)
{
	struct job *running = snapshot_running_operation(p->snapshot);
	_cleanup_(job_view_unref_cleanup) struct job_view *v = running ? job_view(running) : NULL;

	if (v)
		status_put_bar(v, out);
	else
		status_put_counts(p, out);
}

static const struct slot status_slots[] = {
	{"title", status_put_title},  {"sentence", status_put_sentence},
	{"lamps", status_put_lamps},  {"word_size", status_put_word_size},
	{"word", status_put_word},    {"figures", status_put_figures},
	{"origin", words_put_origin}, {NULL, NULL},
};

int picture_put_status(const struct picture *p, struct buf *out)
{
	return slots_fill(template_status_svg, status_slots, p, out);
}
