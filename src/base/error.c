#include "base/error.h"

#include <stdarg.h>
#include <string.h>

/* A message is one line of a log: control characters of a hostile reply must not break it. */
static void make_one_line(char *s)
{
	size_t len;

	for (char *p = s; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
	len = strlen(s);
	while (len && (s[len - 1] == ' ' || s[len - 1] == '.'))
		s[--len] = '\0';
}

int error_set(struct error *err, int errnum, const char *format, ...)
{
	struct error fresh = {.errnum = errnum};
	va_list args;

	if (!err)
		return errnum;
	va_start(args, format);
	vsnprintf(fresh.message, sizeof(fresh.message), format, args);
	va_end(args);
	make_one_line(fresh.message);
	*err = fresh;
	return errnum;
}

void error_remedy(struct error *err, const char *format, ...)
{
	va_list args;

	if (!err)
		return;
	va_start(args, format);
	vsnprintf(err->remedy, sizeof(err->remedy), format, args);
	va_end(args);
	make_one_line(err->remedy);
}

int error_prefix(struct error *err, const char *format, ...)
{
	char whole[sizeof(err->message)];
	va_list args;
	int n;

	if (!err)
		return -EIO;
	va_start(args, format);
	n = vsnprintf(whole, sizeof(whole), format, args);
	va_end(args);
	if (n >= 0 && (size_t)n < sizeof(whole))
		snprintf(whole + n, sizeof(whole) - (size_t)n, ": %s", err->message);
	memcpy(err->message, whole, sizeof(whole));
	make_one_line(err->message);
	return err->errnum;
}

bool error_has_code(const struct error *err, const char *code)
{
	return strcmp(err->code, code) == 0;
}
