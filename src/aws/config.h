/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * config.h - reads the options of a client from environment and profile, and finds the endpoints of services. Reads
 * files in aws_options_load() only; any thread.
 *
 * Sources: "Service-specific endpoints" in AWS's SDKs and Tools reference guide and service models.
 */
#ifndef VASTFS_AWS_CONFIG_H
#define VASTFS_AWS_CONFIG_H

#include "aws/aws.h"
#include "aws/endpoints.h"

struct aws_options {
	char *region;  /* all owned */
	char *profile; /* aws_profile of the settings; NULL if not set */
	char *ca_file; /* NULL: the system's */
	int max_attempts;
	enum aws_endpoint_variant variant;
	bool sts_is_global; /* sts.amazonaws.com for the older regions */
	cJSON *endpoints;   /* name of a service to the URL that replaces its AWS endpoint */
};

/* 0, -ENOMEM, or -EINVAL with err set: an endpoint that is no URL, or an unsupported value of an option. */
int aws_options_load(const struct aws_config *config, struct aws_options *ret, struct error *err);
void aws_options_free(struct aws_options *o);

struct aws_endpoint {
	char url[300];	  /* without a slash at its end */
	char host[256];	  /* value of the Host header, with the port unless it is the default of the scheme */
	char region[40];  /* region in the signature */
	char prefix[300]; /* path of the URL, before the path of the request; usually "" */
};

/* Finds the endpoint of a service. region NULL: the region of the options. -EINVAL with err set: no such endpoint. */
int aws_endpoint_find(const struct aws_options *o, const struct aws_service *s, const char *region,
		      struct aws_endpoint *ret, struct error *err);

#endif
