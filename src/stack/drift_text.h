/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * drift_text.h - writes the text of stack/drift from the results of a drift detection, resource by resource.
 *
 * Pure; any thread. Source: CloudFormation API Reference, DescribeStackResourceDrifts and
 * DescribeStackDriftDetectionStatus.
 */
#ifndef VASTFS_STACK_DRIFT_TEXT_H
#define VASTFS_STACK_DRIFT_TEXT_H

#include "base/buf.h"

#include <cjson/cJSON.h>

struct drift_counts {
	unsigned modified, deleted, in_sync;
	unsigned unknown;   /* resources that AWS could not check */
	unsigned unchecked; /* resources of types without drift detection */
};

/*
 * Appends
 *	2 of 26 resources differ from the template
 *	modified ServerSecurityGroup (AWS::EC2::SecurityGroup), sg-0123
 *	    SecurityGroupIngress/0/CidrIp: expected 10.0.1.0/28, actual 0.0.0.0/0
 *	deleted PrivateRoute (AWS::EC2::Route), rtb-0123|0.0.0.0/0
 *	not checked StoragePolicy (AWS::IAM::Policy): AWS does not detect drift of this type
 *	in sync: 22 resources
 * drifts: DescribeStackResourceDrifts' reply, all pages. resources: DescribeStackResources' reply, which also lists the
 * resources that were not checked. ret: the numbers of resources, may be NULL. 0 or -EFBIG.
 */
int drift_put_resources(struct buf *out, const cJSON *drifts, const cJSON *resources, struct drift_counts *ret);

/*
 * Appends the reason of a detection that failed as one line. AWS writes it as text, or as JSON with a member Summary
 * and a list Failures, whose first entry has the reason.
 */
int drift_put_reason(struct buf *out, const char *reason);

#endif
