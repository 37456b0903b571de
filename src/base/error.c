/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/error.h"

#include "base/escape.h"

#include <stdarg.h>
#include <string.h>

/* Line breaks are replaced, because a message is one line of a log, even if a hostile reply contains line breaks. */
static void error_put_line(char *out, size_t size, const char *format, va_list args)
{
	char whole[2048];
	size_t len;

	vsnprintf(whole, sizeof(whole), format, args);
	len = strlen(whole);
	while (len && strchr(" \t\r\n.", whole[len - 1]))
		whole[--len] = '\0';
	escape_copy(out, size, whole);
}

int error_set(struct error *err, int errnum, const char *format, ...)
{
	struct error fresh = {.errnum = errnum};
	va_list args;

	if (!err)
		return errnum;
	va_start(args, format);
	error_put_line(fresh.message, sizeof(fresh.message), format, args);
	va_end(args);
	*err = fresh;
	return errnum;
}

void error_remedy(struct error *err, const char *format, ...)
{
	va_list args;

	if (!err)
		return;
	va_start(args, format);
	error_put_line(err->remedy, sizeof(err->remedy), format, args);
	va_end(args);
}

int error_prefix(struct error *err, const char *format, ...)
{
	char context[sizeof(err->message)], whole[2 * sizeof(err->message)];
	va_list args;

	if (!err)
		return -EIO;
	va_start(args, format);
	vsnprintf(context, sizeof(context), format, args);
	va_end(args);
	snprintf(whole, sizeof(whole), "%s: %s", context, err->message);
	escape_copy(err->message, sizeof(err->message), whole);
	return err->errnum;
}

int error_complete(struct error *err, int errnum)
{
	if (errnum >= 0 || err->errnum == errnum)
		return errnum;
	if (errnum == -ENOMEM)
		return error_set(err, errnum, "out of memory");
	if (errnum == -ECANCELED)
		return error_set(err, errnum, "cancelled");
	return error_is(err) ? errnum : error_set(err, errnum, "%s", strerror(-errnum));
}

bool error_has_code(const struct error *err, const char *code)
{
	return strcmp(err->code, code) == 0;
}
