/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * templates.h - the files of this folder that are embedded at build, each a string.
 */
#ifndef VASTFS_FS_PICTURE_TEMPLATES_H
#define VASTFS_FS_PICTURE_TEMPLATES_H

extern const char template_diagram_css[];
extern const char template_diagram_svg[];
extern const char template_overview_css[];
extern const char template_overview_html[];
extern const char template_status_svg[];

#endif
