/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * config.h - how the services are reached: environment, profile, partition.
 *
 * Sources: "Service-specific endpoints" in AWS's SDKs and Tools reference guide and service models.
 */
#ifndef VASTFS_AWS_CONFIG_H
#define VASTFS_AWS_CONFIG_H

#include "aws/aws.h"
#include "aws/endpoints.h"

struct aws_options {
	char *region;  /* all owned */
	char *profile; /* the one the settings name, NULL if they name none */
	char *ca_file; /* NULL: the system's */
	int max_attempts;
	enum aws_endpoint_variant variant;
	bool sts_is_global; /* sts.amazonaws.com for the older regions */
	cJSON *endpoints;   /* service's name to the URL that replaces AWS's own */
};

/* 0, -ENOMEM, or -EINVAL with words: an endpoint that is no URL, a wish that vastfs does not fulfil. */
int aws_options_load(const struct aws_config *config, struct aws_options *ret, struct error *err);
void aws_options_free(struct aws_options *o);

struct aws_endpoint {
	char url[300];	  /* without a slash at its end */
	char host[256];	  /* as the Host header says it, with the port if it is not the scheme's own */
	char region[40];  /* for the signature */
	char prefix[300]; /* path of the URL, before that of the request; mostly "" */
};

/* Where to send a service's requests. region NULL: that of the options. -EINVAL with a message: there is no such
 * endpoint. */
int aws_endpoint_find(const struct aws_options *o, const struct aws_service *s, const char *region,
		      struct aws_endpoint *ret, struct error *err);

#endif
