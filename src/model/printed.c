/* SPDX-License-Identifier: BSD-3-Clause */
#include "model/printed.h"

#include "base/clock.h"

#include <inttypes.h>
#include <string.h>

#define TELL_MS 250

void printed_init(struct printed *p, struct job *j, const char *directory, uint64_t limit, uint64_t stderr_limit)
{
	*p = (struct printed){.job = j, .directory = directory, .limit = limit, .stderr_limit = stderr_limit};
}

void printed_release(struct printed *p)
{
	output_unref(move_ptr(p->output));
	output_unref(move_ptr(p->stderr_output));
}

static void printed_edit_outputs(struct job_view *v, void *arg)
{
	struct printed *p = arg;

	v->output = output_ref(p->output);
	v->stderr_output = output_ref(p->stderr_output);
}

int printed_begin(struct printed *p, struct error *err)
{
	if (p->output)
		return 0;
	p->output = output_new(p->directory, p->limit);
	p->stderr_output = output_new(p->directory, p->stderr_limit);
	if (!p->output || !p->stderr_output)
		return error_set(err, -ENOMEM, "out of memory");
	return job_edit(p->job, printed_edit_outputs, p);
}

static int printed_refuse(struct printed *p, bool is_stderr, int r, struct error *err)
{
	if (r == -EFBIG && is_stderr) {
		error_set(err, r, "the command printed more than %" PRIu64 " MB to standard error",
			  p->stderr_limit >> 20);
		error_remedy(err, "redirect it to a file or to /dev/null");
	} else if (r == -EFBIG) {
		error_set(err, r, "the command printed more than %" PRIu64 " MB", p->limit >> 20);
		error_remedy(err, "raise lambda_result_limit in config/default.env, or make the command print less");
	} else {
		error_set(err, r, "cannot store the result below %s: %s", p->directory, strerror(-r));
		error_remedy(err, "make room there, or set XDG_CACHE_HOME to a larger disk and mount again");
	}
	return r;
}

int printed_add(struct printed *p, bool is_stderr, const void *data, size_t len, struct error *err)
{
	int r = printed_begin(p, err);

	if (r < 0)
		return r;
	r = output_append(is_stderr ? p->stderr_output : p->output, data, len);
	return r < 0 ? printed_refuse(p, is_stderr, r, err) : 0;
}

uint64_t printed_size(const struct printed *p)
{
	return output_size(p->output) + output_size(p->stderr_output);
}

void printed_tell(struct printed *p)
{
	int64_t now = clock_monotonic_ms();

	if (now - p->told_ms < TELL_MS) {
		job_grown(p->job);
		return;
	}
	p->told_ms = now;
	job_progress(p->job, 0, 0, "%" PRIu64 " bytes received,", output_size(p->output));
}
