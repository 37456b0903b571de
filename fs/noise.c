/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/noise.h"

#include "base/cleanup.h"

#include <fnmatch.h>

static const char *const noise_patterns[] = {
	".Trash*",	       /* the FreeDesktop trash, used by all file managers */
	".directory",	       /* Dolphin's settings of a directory */
	".hidden",	       /* GIO's list of hidden names */
	".goutputstream-*",    /* GIO: gedit, mousepad */
	".*.kate-swp",	       /* kate and kwrite, one per keystroke */
	".*.sw[a-z]",	       /* vim's swap files */
	".sw[a-z]",	       /* vim's swap file of an unnamed text */
	"*.sw[a-z]",	       /* vim's swap files */
	"4913",		       /* vim's test whether it may create files */
	"*~",		       /* backups and vim's undo files */
	".#*",		       /* Emacs lock files */
	"#*#",		       /* Emacs autosave files */
	".~lock.*",	       /* LibreOffice lock files */
	".~*",		       /* WPS, rsync --backup and others */
	".fuse_hidden*",       /* libfuse's high-level interface */
	".nfs*",	       /* a re-export by NFS */
	"._*",		       /* macOS by Samba */
	".DS_Store",	       /* macOS by Samba */
	"Thumbs.db",	       /* Windows by Samba */
	"desktop.ini",	       /* Windows by Samba */
	".xdg-volume-info",    /* GIO's name and icon of a volume */
	".nautilus-metafile*", /* old versions of Nautilus */
	".mc-*",	       /* Midnight Commander */
};

bool noise_is(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(noise_patterns); i++)
		if (fnmatch(noise_patterns[i], name, 0) == 0)
			return true;
	return false;
}
