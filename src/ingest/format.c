/* SPDX-License-Identifier: BSD-3-Clause */
#include "ingest/format.h"

#include "ingest/cutter.h"

#include <stdio.h>
#include <string.h>

#define AT_LINE_ENDS "cut at line ends"
#define WITH_HEADER  "cut at line ends, the header is repeated"

/* Sources: "vast import" of VAST 1 to 3 (libvast's application.cpp), and Tenzir's documentation of read_* operators. */
const struct format formats[] = {
	{"suricata", "suricata", "suricata", &cutter_json, "Suricata's EVE JSON, " AT_LINE_ENDS},
	{"json", "json", "json", &cutter_json, "JSON, one object per line, " AT_LINE_ENDS},
	{"ndjson", "json", "ndjson", &cutter_json, "the same format under another common name"},
	{"zeek-tsv", "zeek", "zeek_tsv", &cutter_zeek,
	 "Zeek's logs with # lines, " WITH_HEADER " also where it changes"},
	{"zeek", "zeek", "zeek_tsv", &cutter_zeek, "the same format under VAST's name"},
	{"zeek-json", "zeek-json", "zeek_json", &cutter_json, "Zeek's logs as JSON, " AT_LINE_ENDS},
	{"csv", "csv", "csv", &cutter_csv, "comma-separated values, " WITH_HEADER},
	{"tsv", "tsv", "tsv", &cutter_tsv, "tab-separated values, " WITH_HEADER},
	{"ssv", "ssv", "ssv", &cutter_ssv, "space-separated values, " WITH_HEADER},
	{"syslog", "syslog", "syslog", &cutter_lines, "syslog messages, " AT_LINE_ENDS},
	{"cef", "cef", "cef", &cutter_lines, "Common Event Format, " AT_LINE_ENDS},
	{"leef", "leef", "leef", &cutter_lines, "Log Event Extended Format, " AT_LINE_ENDS},
	{"kv", "kv", "kv", &cutter_lines, "lines of key=value pairs, " AT_LINE_ENDS},
	{"lines", "lines", "lines", &cutter_lines, "lines of text, " AT_LINE_ENDS},
	{"pcap", "pcap", "pcap", &cutter_pcap, "packet captures, cut at packets, the global header is repeated"},
};

const size_t formats_n = sizeof(formats) / sizeof(formats[0]);

const struct format *format_find(const char *name)
{
	for (size_t i = 0; i < formats_n; i++)
		if (strcmp(formats[i].name, name) == 0)
			return &formats[i];
	return NULL;
}

bool format_name_is_valid(const char *name)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.-");

	return len > 0 && !name[len] && len <= FORMAT_NAME_MAX && !strchr("_.-", *name);
}

const char *format_vast_name(const char *name)
{
	const struct format *f = format_find(name);

	return f ? f->vast : name;
}

void format_tenzir_name(const char *name, char out[static FORMAT_NAME_MAX + 1])
{
	const struct format *f = format_find(name);

	snprintf(out, FORMAT_NAME_MAX + 1, "%s", f ? f->tenzir : name);
	for (; *out; out++)
		if (*out == '-' || *out == '.')
			*out = '_';
}

const struct cutter_kind *format_cutter(const char *name)
{
	const struct format *f = format_find(name);

	return f ? f->cutter : &cutter_whole;
}
