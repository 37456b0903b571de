/* SPDX-License-Identifier: BSD-3-Clause */
#include "options.h"

#include "base/cleanup.h"
#include "stack/settings.h"

#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 65536 /* bytes of all options together */

/* -- vastfs's own words of -o ---------------------------------------------------------------------------------- */

/* value is the text after "=", or NULL if the word takes no value. */
typedef int options_take(struct options *o, const char *value, struct error *err);

static int options_take_coredump(struct options *o, const char *value _unused_, struct error *err _unused_)
{
	o->coredump = true;
	return 0;
}

static int options_take_ro(struct options *o, const char *value _unused_, struct error *err _unused_)
{
	o->read_only = true;
	return 0;
}

static int options_take_rw(struct options *o, const char *value _unused_, struct error *err _unused_)
{
	o->read_only = false;
	return 0;
}

static int options_take_remount(struct options *o _unused_, const char *value _unused_, struct error *err)
{
	error_set(err, -EINVAL, "vastfs cannot change the options of a mounted tree (remount)");
	error_remedy(err, "unmount it with umount or fusermount3 -u, then mount it with the new options");
	return err->errnum;
}

static int options_take_config_dir(struct options *o, const char *value, struct error *err _unused_)
{
	free(o->config_dir);
	o->config_dir = strdup(value);
	return o->config_dir ? 0 : -ENOMEM;
}

static int options_add_setting(struct options *o, const char *key, const char *value, struct error *err)
{
	_buf_ struct buf line = BUF_INIT(TEXT_MAX);
	char quote = strchr(value, '\'') ? '"' : '\''; /* the name of a profile may contain blanks */
	int r = buf_printf(&line, "%s=%c%s%c", key, quote, value, quote);

	if (r == 0)
		r = settings_check_line(buf_str(&line), line.len, 0, err);
	return r < 0 ? r : buf_printf(&o->settings, "%s\n", buf_str(&line));
}

static int options_take_profile(struct options *o, const char *value, struct error *err)
{
	return options_add_setting(o, "aws_profile", value, err);
}

static int options_take_region(struct options *o, const char *value, struct error *err)
{
	return options_add_setting(o, "aws_region", value, err);
}

static int options_take_stage(struct options *o, const char *value, struct error *err)
{
	return options_add_setting(o, "stage", value, err);
}

static bool options_parse_number(const char *value, int base, unsigned long most, unsigned long *ret)
{
	char *end;

	errno = 0;
	*ret = strtoul(value, &end, base);
	return *value >= '0' && *value <= '9' && !*end && errno == 0 && *ret <= most;
}

static int options_take_uid(struct options *o, const char *value, struct error *err)
{
	unsigned long number;
	const struct passwd *user;

	if (options_parse_number(value, 10, UINT32_MAX - 1, &number)) {
		o->uid = (uid_t)number;
		return 0;
	}
	user = getpwnam(value);
	if (!user)
		return error_set(err, -EINVAL, "there is no user %s", value);
	o->uid = user->pw_uid;
	return 0;
}

static int options_take_gid(struct options *o, const char *value, struct error *err)
{
	unsigned long number;
	const struct group *group;

	if (options_parse_number(value, 10, UINT32_MAX - 1, &number)) {
		o->gid = (gid_t)number;
		return 0;
	}
	group = getgrnam(value);
	if (!group)
		return error_set(err, -EINVAL, "there is no group %s", value);
	o->gid = group->gr_gid;
	return 0;
}

static int options_take_umask(struct options *o, const char *value, struct error *err)
{
	unsigned long number;

	if (!options_parse_number(value, 8, 0777, &number))
		return error_set(err, -EINVAL, "%s is not a umask; expected octal permission bits, for instance 027",
				 value);
	o->umask = (mode_t)number;
	return 0;
}

static const struct options_word {
	struct options_help about;
	options_take *take;
} options_words[] = {
	{{"ro", NULL, "read-only: every write is refused, and no operation is resumed"}, options_take_ro},
	{{"rw", NULL, "read and write (the default)"}, options_take_rw},
	{{"remount", NULL, "refused: unmount, then mount with the new options"}, options_take_remount},
	{{"config_dir", "DIR", "the same as --config-dir"}, options_take_config_dir},
	{{"profile", "NAME", "the same as aws_profile=NAME in default.env, and overrides it"}, options_take_profile},
	{{"region", "REGION", "the same as aws_region=REGION in default.env, and overrides it"}, options_take_region},
	{{"stage", "STAGE", "the same as stage=STAGE in default.env, and overrides it"}, options_take_stage},
	{{"uid", "USER", "the owner of all files, a name or a number (default: the user who mounts)"},
	 options_take_uid},
	{{"gid", "GROUP", "the group of all files (default: the group of that user)"}, options_take_gid},
	{{"umask", "MODE", "permission bits that are removed from all files, octal (default: 0)"}, options_take_umask},
	{{"coredump", NULL, "for developers of vastfs: allow core dumps and debuggers, which can read secret keys"},
	 options_take_coredump},
};

const struct options_help *options_help(size_t i)
{
	return i < ARRAY_SIZE(options_words) ? &options_words[i].about : NULL;
}

void options_print_words(struct buf *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(options_words); i++) {
		const struct options_help *w = &options_words[i].about;
		int width = buf_printf(out, "    %s%s%s", w->name, w->value ? "=" : "", w->value ? w->value : "");
		size_t written = strlen(w->name) + (w->value ? strlen(w->value) + 1 : 0);

		if (width < 0)
			return;
		buf_printf(out, "%*s%s\n", written < 20 ? (int)(20 - written) : 1, "", w->help);
	}
}

/*
 * Returns whether a word of mount(8), fstab or systemd only determines when a file system is mounted and which users
 * may mount it.
 */
static bool options_concern_no_file_system(const char *word)
{
	static const char *const names[] = {"auto",	"noauto",     "user",	     "nouser",	"users",
					    "owner",	"nofail",     "group",	     "quiet",	"_netdev",
					    "defaults", "relatime",   "silent",	     "loud",	"mand",
					    "nomand",	"norelatime", "strictatime", "lazytime"};
	static const char *const beginnings[] = {"x-", "X-", "comment=", "user=", "helper="};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(word, names[i]) == 0)
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(beginnings); i++)
		if (strncmp(word, beginnings[i], strlen(beginnings[i])) == 0)
			return true;
	return false;
}

static int options_take_own(struct options *o, const struct options_word *word, const char *value, struct error *err)
{
	int r;

	if (word->about.value && (!value || !*value)) {
		error_set(err, -EINVAL, "the option %s needs a value", word->about.name);
		error_remedy(err, "write -o %s=%s", word->about.name, word->about.value);
		return err->errnum;
	}
	if (!word->about.value && value)
		return error_set(err, -EINVAL, "the option %s takes no value", word->about.name);
	r = word->take(o, value, err);
	return r == -EINVAL && value ? error_prefix(err, "option %s=%s", word->about.name, value) : r;
}

/* text is the word with its escapes, in the form that libfuse needs. word is the word without escapes. */
static int options_take_word(struct options *o, char *word, const char *text, struct error *err)
{
	char *value = strchr(word, '=');

	if (!*word || options_concern_no_file_system(word))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(options_words); i++) {
		size_t len = strlen(options_words[i].about.name);

		if (strncmp(word, options_words[i].about.name, len) == 0 && (word[len] == '=' || !word[len]))
			return options_take_own(o, &options_words[i], value ? value + 1 : NULL, err);
	}
	return buf_printf(&o->fuse, "%s%s", o->fuse.len ? "," : "", text);
}

/* Returns the length of the word at text. The word ends at a comma that has no backslash before it. */
static size_t options_word_length(const char *text)
{
	size_t n = 0;

	while (text[n] && text[n] != ',')
		n += text[n] == '\\' && text[n + 1] ? 2 : 1;
	return n;
}

static void options_unescape(char *word)
{
	char *out = word;

	for (; *word; word++) {
		if (*word == '\\' && word[1])
			word++;
		*out++ = *word;
	}
	*out = '\0';
}

static int options_take_list(struct options *o, const char *list, struct error *err)
{
	int r = 0;

	while (r == 0 && *list) {
		size_t len = options_word_length(list);
		_free_ char *text = strndup(list, len);
		_free_ char *word = text ? strdup(text) : NULL;

		if (!word)
			return -ENOMEM;
		options_unescape(word);
		r = options_take_word(o, word, text, err);
		list += len + (list[len] == ',');
	}
	return r;
}

/* -- the command line ------------------------------------------------------------------------------------------ */

static int options_refuse(struct error *err, const char *format, const char *what)
{
	error_set(err, -EINVAL, format, what);
	error_remedy(err, "vastfs --help shows the options");
	return err->errnum;
}

static int options_take_places(struct options *o, char **places, int n, struct error *err)
{
	if (n == 0)
		return options_refuse(err, "%s", "MOUNTPOINT is missing");
	if (n > 2)
		return options_refuse(err, "unexpected argument '%s'; expected one MOUNTPOINT", places[2]);
	o->mountpoint = strdup(places[n - 1]);
	o->source = n == 2 ? strdup(places[0]) : NULL;
	return o->mountpoint && (n == 1 || o->source) ? 0 : -ENOMEM;
}

enum { OPTION_CONFIG_DIR = 256, OPTION_LIST_TREE };

static int options_take_letter(struct options *o, int letter, const char *word, struct error *err)
{
	switch (letter) {
	case 'd':
		o->debug = true;
		o->foreground = true;
		return 0;
	case 'f':
		o->foreground = true;
		return 0;
	case 's': /* libfuse's option for one thread, which FUSE mount helpers pass on */
		return 0;
	case 'o':
		return options_take_list(o, optarg, err);
	case OPTION_CONFIG_DIR:
		return options_take_config_dir(o, optarg, err);
	case 'h':
		o->action = OPTIONS_HELP;
		return 0;
	case 'V':
		o->action = OPTIONS_VERSION;
		return 0;
	case OPTION_LIST_TREE:
		o->action = OPTIONS_LIST_TREE;
		return 0;
	case ':':
		return options_refuse(err, "%s needs an argument", word);
	default:
		return options_refuse(err, "unknown option %s", word);
	}
}

/*
 * Returns whether mount(8) runs the program: mount.fuse.vastfs SOURCE DIR [-sfnv] [-N NAMESPACE] [-o LIST] [-t TYPE].
 */
static bool options_are_of_mount(const char *program)
{
	const char *slash = program ? strrchr(program, '/') : NULL;
	const char *name = slash ? slash + 1 : program;

	return name && strncmp(name, "mount.", strlen("mount.")) == 0;
}

/* Takes a letter that means something else to mount(8) than to vastfs. */
static bool options_take_letter_of_mount(struct options *o, int letter)
{
	if (letter == 'f')
		o->action = OPTIONS_FAKE;
	return strchr("fnvNt", letter) != NULL;
}

int options_parse(int argc, char **argv, struct options *ret, struct error *err)
{
	static const struct option names[] = {{"config-dir", required_argument, NULL, OPTION_CONFIG_DIR},
					      {"list-tree", no_argument, NULL, OPTION_LIST_TREE},
					      {"help", no_argument, NULL, 'h'},
					      {"version", no_argument, NULL, 'V'},
					      {0}};
	bool of_mount = options_are_of_mount(argv[0]);
	const char *letters = of_mount ? ":dfso:hVnvN:t:" : ":dfso:hV";
	int letter, r = 0;

	*ret = (struct options){
		.fuse = BUF_INIT(TEXT_MAX), .settings = BUF_INIT(TEXT_MAX), .uid = (uid_t)-1, .gid = (gid_t)-1};
	optind = 0; /* restarts getopt */
	while (r == 0 && ret->action == OPTIONS_MOUNT && (letter = getopt_long(argc, argv, letters, names, NULL)) != -1)
		if (!of_mount || !options_take_letter_of_mount(ret, letter))
			r = options_take_letter(ret, letter, argv[optind - 1], err);
	if (r == 0 && ret->action == OPTIONS_MOUNT)
		r = options_take_places(ret, argv + optind, argc - optind, err);
	return r;
}

void options_free(struct options *o)
{
	free(o->config_dir);
	free(o->source);
	free(o->mountpoint);
	buf_free(&o->fuse);
	buf_free(&o->settings);
}
