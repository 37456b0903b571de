/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * prices_data.c - the figures. Sources: for us-east-1 the price pages of the services
 * (aws.amazon.com/<service>/pricing/), which agree with several independent pages of 2026; for the other regions the
 * price pages as of 2025, not confirmed since, hence ABOUT. A new region needs only a new list.
 */
#include "stack/prices.h"

#include "base/cleanup.h"

#define EXACT(dollars_)               \
	{                             \
		.dollars = (dollars_) \
	}
#define ABOUT(dollars_)                              \
	{                                            \
		.dollars = (dollars_), .about = true \
	}

const struct price_name price_names[PRICE_COUNT] = {
	[PRICE_NAT_GATEWAY] = {"NAT gateway", "hour"},
	[PRICE_NAT_DATA] = {"NAT gateway, data", "GB"},
	[PRICE_ADDRESS] = {"public IPv4 address", "hour"},
	[PRICE_FARGATE_CPU] = {"Fargate, x86_64, processor", "vCPU hour"},
	[PRICE_FARGATE_MEMORY] = {"Fargate, x86_64, memory", "GB hour"},
	[PRICE_FARGATE_ARM_CPU] = {"Fargate, arm64, processor", "vCPU hour"},
	[PRICE_FARGATE_ARM_MEMORY] = {"Fargate, arm64, memory", "GB hour"},
	[PRICE_FARGATE_DISK] = {"Fargate, disk above 20 GB", "GB hour"},
	[PRICE_EFS_STORAGE] = {"EFS storage", "GB month"},
	[PRICE_EFS_READ] = {"EFS, data read", "GB"},
	[PRICE_EFS_WRITE] = {"EFS, data written", "GB"},
	[PRICE_LAMBDA] = {"Lambda, x86_64", "GB second"},
	[PRICE_LAMBDA_ARM] = {"Lambda, arm64", "GB second"},
	[PRICE_LAMBDA_REQUESTS] = {"Lambda, requests", "million"},
	[PRICE_LAMBDA_STREAM] = {"Lambda, results above 6 MB", "GB"},
	[PRICE_LOGS] = {"CloudWatch Logs, ingestion", "GB"},
	[PRICE_ECR_STORAGE] = {"ECR storage", "GB month"},
	[PRICE_DATA_OUT] = {"data out to the Internet", "GB"},
};

const struct price_list price_lists[] = {
	{"us-east-1",
	 {
		 [PRICE_NAT_GATEWAY] = EXACT(0.045),
		 [PRICE_NAT_DATA] = EXACT(0.045),
		 [PRICE_ADDRESS] = EXACT(0.005),
		 [PRICE_FARGATE_CPU] = EXACT(0.04048),
		 [PRICE_FARGATE_MEMORY] = EXACT(0.004445),
		 [PRICE_FARGATE_ARM_CPU] = EXACT(0.03238),
		 [PRICE_FARGATE_ARM_MEMORY] = EXACT(0.00356),
		 [PRICE_FARGATE_DISK] = EXACT(0.000111),
		 [PRICE_EFS_STORAGE] = EXACT(0.30),
		 [PRICE_EFS_READ] = EXACT(0.03),
		 [PRICE_EFS_WRITE] = EXACT(0.06),
		 [PRICE_LAMBDA] = EXACT(0.0000166667),
		 [PRICE_LAMBDA_ARM] = ABOUT(0.0000133334),
		 [PRICE_LAMBDA_REQUESTS] = EXACT(0.20),
		 [PRICE_LAMBDA_STREAM] = EXACT(0.008),
		 [PRICE_LOGS] = EXACT(0.50),
		 [PRICE_ECR_STORAGE] = EXACT(0.10),
		 [PRICE_DATA_OUT] = EXACT(0.09),
	 }},
	{"eu-west-1",
	 {
		 [PRICE_NAT_GATEWAY] = ABOUT(0.048),
		 [PRICE_NAT_DATA] = ABOUT(0.048),
		 [PRICE_ADDRESS] = ABOUT(0.005),
		 [PRICE_FARGATE_CPU] = ABOUT(0.04048),
		 [PRICE_FARGATE_MEMORY] = ABOUT(0.004445),
		 [PRICE_FARGATE_ARM_CPU] = ABOUT(0.03238),
		 [PRICE_FARGATE_ARM_MEMORY] = ABOUT(0.00356),
		 [PRICE_FARGATE_DISK] = ABOUT(0.000111),
		 [PRICE_EFS_STORAGE] = ABOUT(0.33),
		 [PRICE_EFS_READ] = ABOUT(0.03),
		 [PRICE_EFS_WRITE] = ABOUT(0.07),
		 [PRICE_LAMBDA] = ABOUT(0.0000166667),
		 [PRICE_LAMBDA_ARM] = ABOUT(0.0000133334),
		 [PRICE_LAMBDA_REQUESTS] = ABOUT(0.20),
		 [PRICE_LAMBDA_STREAM] = ABOUT(0.008),
		 [PRICE_LOGS] = ABOUT(0.57),
		 [PRICE_ECR_STORAGE] = ABOUT(0.10),
		 [PRICE_DATA_OUT] = ABOUT(0.09),
	 }},
	{"eu-central-1",
	 {
		 [PRICE_NAT_GATEWAY] = ABOUT(0.052),
		 [PRICE_NAT_DATA] = ABOUT(0.052),
		 [PRICE_ADDRESS] = ABOUT(0.005),
		 [PRICE_FARGATE_CPU] = ABOUT(0.04656),
		 [PRICE_FARGATE_MEMORY] = ABOUT(0.00511),
		 [PRICE_FARGATE_ARM_CPU] = ABOUT(0.03725),
		 [PRICE_FARGATE_ARM_MEMORY] = ABOUT(0.00409),
		 [PRICE_FARGATE_DISK] = ABOUT(0.000127),
		 [PRICE_EFS_STORAGE] = ABOUT(0.36),
		 [PRICE_EFS_READ] = ABOUT(0.04),
		 [PRICE_EFS_WRITE] = ABOUT(0.07),
		 [PRICE_LAMBDA] = ABOUT(0.0000166667),
		 [PRICE_LAMBDA_ARM] = ABOUT(0.0000133334),
		 [PRICE_LAMBDA_REQUESTS] = ABOUT(0.20),
		 [PRICE_LAMBDA_STREAM] = ABOUT(0.008),
		 [PRICE_LOGS] = ABOUT(0.63),
		 [PRICE_ECR_STORAGE] = ABOUT(0.10),
		 [PRICE_DATA_OUT] = ABOUT(0.09),
	 }},
	{"eu-north-1",
	 {
		 [PRICE_NAT_GATEWAY] = ABOUT(0.046),
		 [PRICE_NAT_DATA] = ABOUT(0.046),
		 [PRICE_ADDRESS] = ABOUT(0.005),
		 [PRICE_FARGATE_CPU] = ABOUT(0.0445),
		 [PRICE_FARGATE_MEMORY] = ABOUT(0.0049),
		 [PRICE_FARGATE_ARM_CPU] = ABOUT(0.0356),     /* 0.8 of the x86_64 price, as in other regions */
		 [PRICE_FARGATE_ARM_MEMORY] = ABOUT(0.00392), /* likewise 0.8 of the x86_64 price */
		 [PRICE_FARGATE_DISK] = ABOUT(0.00012),
		 [PRICE_EFS_STORAGE] = ABOUT(0.33),
		 [PRICE_EFS_READ] = ABOUT(0.03),
		 [PRICE_EFS_WRITE] = ABOUT(0.06),
		 [PRICE_LAMBDA] = ABOUT(0.0000166667),
		 [PRICE_LAMBDA_ARM] = ABOUT(0.0000133334),
		 [PRICE_LAMBDA_REQUESTS] = ABOUT(0.20),
		 [PRICE_LAMBDA_STREAM] = ABOUT(0.008),
		 [PRICE_LOGS] = ABOUT(0.54),
		 [PRICE_ECR_STORAGE] = ABOUT(0.10),
		 [PRICE_DATA_OUT] = ABOUT(0.09),
	 }},
};
const unsigned price_lists_n = ARRAY_SIZE(price_lists);
