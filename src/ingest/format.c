/* SPDX-License-Identifier: BSD-3-Clause */
#include "ingest/format.h"

#include "ingest/cutter.h"

#include <string.h>

#define AT_LINE_ENDS "cut at line ends"
#define WITH_HEADER  "cut at line ends, the header is repeated"

const struct format formats[] = {
	{"suricata", &cutter_json, "Suricata's EVE JSON, " AT_LINE_ENDS},
	{"json", &cutter_json, "JSON, one object a line, " AT_LINE_ENDS},
	{"zeek-tsv", &cutter_zeek, "Zeek's logs with # lines, " WITH_HEADER " also where it changes"},
	{"zeek", &cutter_zeek, "the same, under the name that VAST has for it"},
	{"zeek-json", &cutter_json, "Zeek's logs as JSON, " AT_LINE_ENDS},
	{"csv", &cutter_csv, "comma-separated values, " WITH_HEADER},
	{"tsv", &cutter_tsv, "tab-separated values, " WITH_HEADER},
	{"syslog", &cutter_lines, "syslog messages, " AT_LINE_ENDS},
	{"cef", &cutter_lines, "Common Event Format, " AT_LINE_ENDS},
	{"pcap", &cutter_pcap, "packet captures, cut at packets, the global header is repeated"},
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

const struct cutter_kind *format_cutter(const char *name)
{
	const struct format *f = format_find(name);

	return f ? f->cutter : &cutter_whole;
}
