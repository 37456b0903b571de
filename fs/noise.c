/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/noise.h"

#include "base/cleanup.h"

#include <fnmatch.h>

static const char *const noise_patterns[] = {
	".Trash*",	       /* FreeDesktop's trash: all file managers */
	".directory",	       /* Dolphin's view of a directory */
	".hidden",	       /* GIO's list of hidden names */
	".goutputstream-*",    /* GIO: gedit, mousepad */
	".*.kate-swp",	       /* kate and kwrite, one a keystroke */
	".*.sw[a-z]",	       /* vim's swap files */
	".sw[a-z]",	       /* likewise, of a file without a name */
	"*.sw[a-z]",	       /* likewise */
	"4913",		       /* vim: may it make files here? */
	"*~",		       /* backups and vim's undo files */
	".#*",		       /* Emacs' lock */
	"#*#",		       /* Emacs' autosave */
	".~lock.*",	       /* LibreOffice's lock */
	".~*",		       /* WPS, rsync --backup and others */
	".fuse_hidden*",       /* libfuse's high-level interface */
	".nfs*",	       /* a re-export by NFS */
	"._*",		       /* macOS by Samba */
	".DS_Store",	       /* likewise */
	"Thumbs.db",	       /* Windows by Samba */
	"desktop.ini",	       /* likewise */
	".xdg-volume-info",    /* GIO's name and icon of a volume */
	".nautilus-metafile*", /* old Nautilus */
	".mc-*",	       /* Midnight Commander */
};

bool noise_is(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(noise_patterns); i++)
		if (fnmatch(noise_patterns[i], name, 0) == 0)
			return true;
	return false;
}
