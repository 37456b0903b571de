/* SPDX-License-Identifier: BSD-3-Clause */
/* The steps of deploy before the change set, against replies from a table; cloud.h has what else happens to each life.
 */
#include "cloud.h"
#include "stack/previous.h"
#include "stack/role_policies.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define LIFE(run_, words_, replies_, result_, writes_, ...)                                              \
	{                                                                                                \
		.name = #replies_, .run = run_, .words = words_, .replies = replies_, .result = result_, \
		.writes = writes_, __VA_ARGS__                                                           \
	}

static void create(struct operation *op)
{
	op->created = true;
}

/* -- role_policies, VPC, quotas ------------------------------------------------------------------------------------ */

#define POLICY "role_policies=arn:aws:iam::aws:policy/ReadOnlyAccess\n"
static const struct cloud_reply attachable[] = {SAYS("GetPolicy", "{\"Policy\":{\"IsAttachable\":\"true\"}}"), END};
static const struct cloud_reply not_attachable[] = {SAYS("GetPolicy", "{\"Policy\":{\"IsAttachable\":\"false\"}}"),
						    END};
static const struct cloud_reply no_policy[] = {REFUSES("GetPolicy", "NoSuchEntity", "not found"), END};

static void test_role_policies(void **state)
{
	static const struct cloud_life lives[] = {
		LIFE(role_policies_check, "", attachable, 0, "", .settings = POLICY, .optional = "GetPolicy "),
		LIFE(role_policies_check, "cannot be attached to a role", not_attachable, -EINVAL, "",
		     .settings = POLICY, .optional = "GetPolicy "),
		LIFE(role_policies_check, "ReadOnlyAccess does not exist", no_policy, -EINVAL, "", .settings = POLICY,
		     .optional = "GetPolicy "),
		LIFE(role_policies_check, "", no_policy, 0, ""),
	};

	(void)state;
	cloud_run(lives, ARRAY_SIZE(lives));
}

#define QUOTA(n) SAYS("GetServiceQuota", "{\"Quota\":{\"Value\":" n "}}")

static const struct cloud_reply vpc_fits[] = {VPC, QUOTA("5"), SAYS("DescribeNatGateways", "{\"natGatewaySet\":[]}"),
					      END};
static const struct cloud_reply vpc_absent[] = {REFUSES("DescribeVpcs", "InvalidVpcID.NotFound", "not found"), END};
static const struct cloud_reply nat_full[] = {VPC, QUOTA("0"), SAYS("DescribeNatGateways", "{\"natGatewaySet\":[]}"),
					      END};
#define VPC_OPTIONAL                                                                                      \
	"DescribeVpcBlockPublicAccessOptions DescribeVpcBlockPublicAccessExclusions DescribeDhcpOptions " \
	"GetServiceQuota DescribeNatGateways DescribeSubnets "

static const struct cloud_reply quotas_fit[] = {
	QUOTA("5"), QUOTA("64"), SAYS("DescribeAddresses", "{\"addressesSet\":[{}]}"),
	SAYS("GetAccountSettings", "{\"AccountLimit\":{\"ConcurrentExecutions\":1000}}"), END};
static const struct cloud_reply addresses_full[] = {QUOTA("1"), SAYS("DescribeAddresses", "{\"addressesSet\":[{}]}"),
						    END};
static const struct cloud_reply memory_doubtful[] = {
	QUOTA("64"), SAYS("DescribeAddresses", "{\"addressesSet\":[]}"),
	SAYS("GetAccountSettings", "{\"AccountLimit\":{\"ConcurrentExecutions\":400}}"), END};
static const struct cloud_reply memory_exceeded[] = {
	QUOTA("64"), SAYS("DescribeAddresses", "{\"addressesSet\":[]}"),
	SAYS("GetAccountSettings", "{\"AccountLimit\":{\"ConcurrentExecutions\":10}}"), END};
#define QUOTA_OPTIONAL "GetServiceQuota DescribeAddresses GetAccountSettings "

static void test_vpc_and_quotas(void **state)
{
	static const struct cloud_life lives[] = {
		LIFE(vpc_check, "", vpc_fits, 0, "", .prepare = create, .optional = VPC_OPTIONAL),
		LIFE(vpc_check, "vpc-12345678", vpc_absent, -EINVAL, "", .prepare = create),
		LIFE(vpc_check, "every availability zone", nat_full, -EINVAL, "", .prepare = create,
		     .optional = VPC_OPTIONAL),
		LIFE(quota_check, "", quotas_fit, 0, "", .prepare = create, .optional = QUOTA_OPTIONAL,
		     .settings = "lambda_memory=10240\n"),
		LIFE(quota_check, "Elastic IP", addresses_full, -EINVAL, "", .prepare = create,
		     .optional = QUOTA_OPTIONAL),
		LIFE(quota_check, "this account is new", memory_exceeded, -EINVAL, "", .prepare = create,
		     .optional = QUOTA_OPTIONAL, .settings = "lambda_memory=10240\n"),
		LIFE(quota_check, "", memory_doubtful, 0, "", .prepare = create, .optional = QUOTA_OPTIONAL,
		     .settings = "lambda_memory=10240\n"),
	};

	(void)state;
	cloud_run(lives, ARRAY_SIZE(lives));
}

/* -- repository and storage ---------------------------------------------------------------------------------------- */

#define NO_POLICIES                                                                       \
	REFUSES("GetRepositoryPolicy", "RepositoryPolicyNotFoundException", "no policy"), \
		REFUSES("GetLifecyclePolicy", "LifecyclePolicyNotFoundException", "no policy")
#define EDITED                                                                                                        \
	"{\\\"Version\\\":\\\"2012-10-17\\\",\\\"Statement\\\":[{\\\"Effect\\\":\\\"Deny\\\",\\\"Principal\\\":\\\"*" \
	"\\\",\\\"Action\\\":\\\"*\\\"}]}"
static const struct cloud_reply repository_there[] = {REPOSITORY("x"), NO_POLICIES, END};
static const struct cloud_reply repository_made[] = {NO_REPOSITORY, REPOSITORY("x"), NO_POLICIES, END};
static const struct cloud_reply repository_raced[] = {
	NO_REPOSITORY, REPOSITORY("x"), NO_POLICIES,
	REFUSES("CreateRepository", "RepositoryAlreadyExistsException", "it exists"), END};
static const struct cloud_reply repository_foreign[] = {REPOSITORY("theirs"), END};
static const struct cloud_reply repository_edited[] = {
	REPOSITORY("x"), SAYS("GetRepositoryPolicy", "{\"policyText\":\"" EDITED "\"}"),
	SAYS("GetLifecyclePolicy", "{\"lifecyclePolicyText\":\"{\\\"rules\\\":[]}\"}"), END};
static const struct cloud_reply repository_closed[] = {
	REPOSITORY("x"), REFUSES("GetRepositoryPolicy", "AccessDenied", "you may not"),
	REFUSES("GetLifecyclePolicy", "AccessDenied", "you may not"), END};
#define POLICIES "GetRepositoryPolicy GetLifecyclePolicy DescribeFileSystemPolicy "

static void test_repository(void **state)
{
	static const struct cloud_life lives[] = {
		LIFE(repository_ensure, "", repository_there, 0, "SetRepositoryPolicy PutLifecyclePolicy",
		     .optional = POLICIES),
		LIFE(repository_ensure, "", repository_made, 0,
		     "CreateRepository SetRepositoryPolicy PutLifecyclePolicy", .optional = POLICIES),
		LIFE(repository_ensure, "", repository_raced, 0,
		     "CreateRepository SetRepositoryPolicy PutLifecyclePolicy", .optional = POLICIES),
		LIFE(repository_ensure, "vastfs did not create it", repository_foreign, -EEXIST, ""),
		LIFE(repository_ensure, "", repository_edited, 0, "", .optional = POLICIES),
		LIFE(repository_ensure, "", repository_closed, 0, "", .optional = POLICIES),
	};

	(void)state;
	cloud_run(lives, ARRAY_SIZE(lives));
}

#define STATE(state)                                                                                             \
	SAYS("DescribeFileSystems",                                                                              \
	     "{\"FileSystems\":[{\"FileSystemId\":\"fs-1\",\"LifeCycleState\":\"" state "\",\"Tags\":[{\"Key\":" \
	     "\"other\",\"Value\":\"x\"},{\"Key\":\"vastfs:stage\",\"Value\":\"x\"}]}]}")
#define NO_FILE_POLICY REFUSES("DescribeFileSystemPolicy", "PolicyNotFound", "no policy")
static const struct cloud_reply storage_there[] = {STATE("available"), NO_FILE_POLICY, END};
static const struct cloud_reply storage_made[] = {STATE("deleting"),  NO_STORAGE,     NO_STORAGE, STATE("creating"),
						  STATE("available"), NO_FILE_POLICY, END};
static const struct cloud_reply storage_raced[] = {NO_STORAGE,
						   NO_STORAGE,
						   STATE("creating"),
						   STATE("available"),
						   NO_FILE_POLICY,
						   REFUSES("CreateFileSystem", "FileSystemAlreadyExists", "it exists"),
						   END};
static const struct cloud_reply storage_foreign[] = {STORAGE("theirs"), END};
static const struct cloud_reply storage_broken[] = {STATE("error"), END};
static const struct cloud_reply storage_slow[] = {STATE("creating"), END};

static void test_storage(void **state)
{
	static const struct cloud_life lives[] = {
		LIFE(storage_ensure, "", storage_there, 0, "PutFileSystemPolicy", .optional = POLICIES),
		LIFE(storage_ensure, "", storage_made, 0, "CreateFileSystem PutFileSystemPolicy", .optional = POLICIES),
		LIFE(storage_ensure, "", storage_raced, 0, "CreateFileSystem PutFileSystemPolicy",
		     .optional = POLICIES),
		LIFE(storage_ensure, "vastfs did not create it", storage_foreign, -EEXIST, ""),
		LIFE(storage_ensure, "fs-1 is in state error", storage_broken, -EIO, ""),
		LIFE(storage_ensure, "creating the file system did not finish", storage_slow, -ETIMEDOUT, ""),
		LIFE(storage_ensure, "", storage_slow, 0, "", .settings = "vast_storage=ephemeral\n"),
	};

	(void)state;
	cloud_run(lives, ARRAY_SIZE(lives));
}

/* -- the image ----------------------------------------------------------------------------------------------------- */

#define NEW    "sha256:0000000000000000000000000000000000000000000000000000000000000001"
#define OLD    "sha256:0000000000000000000000000000000000000000000000000000000000000002"
#define AT_ECR "vast_image=123456789012.dkr.ecr.us-east-1.amazonaws.com/base:1\n"
#define LOGIN                                                                                             \
	SAYS("GetAuthorizationToken", "{\"authorizationData\":[{\"proxyEndpoint\":\"https://r.example\"," \
				      "\"authorizationToken\":\"c2VjcmV0\"}]}")
#define BEFORE(architecture, base)                                                                   \
	REPOSITORY_WITH("{\"Key\":\"vastfs:previous-image\",\"Value\":\"" OLD "\"},{\"Key\":"        \
			"\"vastfs:previous-architecture\",\"Value\":\"" architecture "\"},{\"Key\":" \
			"\"vastfs:previous-base\",\"Value\":\"" base "\"}")
#define REPOSITORY_WITH(tags)                                                                  \
	SAYS("DescribeRepositories", "{\"repositories\":[{\"repositoryArn\":\"arn:repo\"}]}"), \
		SAYS("ListTagsForResource", "{\"tags\":[" tags "]}")
#define DEPLOYED                                                                                                \
	CLOUD_STACK("UPDATE_COMPLETE",                                                                          \
		    "\"Parameters\":[{\"ParameterKey\":\"ImageUri\",\"ParameterValue\":\"r.example/vast-x@" NEW \
		    "\"},{\"ParameterKey\":\"Architecture\",\"ParameterValue\":\"x86_64\"},{\"ParameterKey\":"  \
		    "\"BaseImage\",\"ParameterValue\":\"tenzir/vast\"}],")
#define IMAGES                                                                                                    \
	SAYS("DescribeImages", "{\"imageDetails\":[{\"imageDigest\":\"" NEW "\",\"imagePushedAt\":2,"             \
			       "\"imageTags\":[\"vastfs-a\"]},{\"imageDigest\":\"sha256:4\",\"imagePushedAt\":2," \
			       "\"imageTags\":[\"vastfs-c\"]},{\"imageDigest\":\"sha256:3\",\"imagePushedAt\":1," \
			       "\"imageTags\":[\"vastfs-b\"]}]}")

static const struct cloud_reply built[] = {LOGIN, SAYS("BuildImage", "{\"digest\":\"" NEW "\",\"pushed\":true}"), END};
static const struct cloud_reply unchanged[] = {LOGIN, SAYS("BuildImage", "{\"digest\":\"" NEW "\"}"), END};
static const struct cloud_reply garbled_once[] = {LOGIN, REFUSES("BuildImage", "Garbled", ""),
						  SAYS("BuildImage", "{\"digest\":\"" NEW "\"}"), END};
static const struct cloud_reply garbled[] = {LOGIN, REFUSES("BuildImage", "Garbled", ""), END};
static const struct cloud_reply checked[] = {LOGIN, SAYS("GetImage", "{}"), END};
static const struct cloud_reply found[] = {LOGIN, SAYS("GetImage", "{\"digest\":\"" NEW "\"}"), END};
static const struct cloud_reply old_one[] = {BEFORE("x86_64", "base:1"), SAYS("DescribeImages", "{}"), END};
static const struct cloud_reply no_old_one[] = {REPOSITORY("x"), END};
static const struct cloud_reply old_processor[] = {BEFORE("arm64", "base:1"), END};
static const struct cloud_reply old_removed[] = {BEFORE("x86_64", "base:1"),
						 REFUSES("DescribeImages", "ImageNotFoundException", "gone"), END};
static const struct cloud_reply cleaned[] = {NO_SERVERS, REPOSITORY("x"), IMAGES, END};
static const struct cloud_reply cleaned_beside_service[] = {
	SERVICE("ACTIVE", "1", "x"),
	NO_TASKS,
	REPOSITORY("x"),
	IMAGES,
	SAYS("DescribeTaskDefinition",
	     "{\"taskDefinition\":{\"containerDefinitions\":[{\"name\":\"vast-server\",\"image\":"
	     "\"r.example/vast-x@sha256:3\"}]}}"),
	END};
static const struct cloud_reply cleaned_without_cluster[] = {
	NO_TASKS, REFUSES("DescribeServices", "ClusterNotFoundException", "no cluster"), REPOSITORY("x"), IMAGES, END};
static const struct cloud_reply stored[] = {NO_SERVERS, REPOSITORY("x"), SAYS("DescribeImages", "{}"), END};

static void with_repository(struct operation *op)
{
	op->repository_uri = strdup("r.example/vast-x");
}

static void with_image(struct operation *op)
{
	op->image = strdup("r.example/vast-x@" NEW);
}

static int check_first(struct operation *op, struct error *err)
{
	op->created = true;
	return image_check_first(op, err);
}

static int clean(struct operation *op, struct error *err)
{
	return op->image ? image_clean(op, err) : -ENOMEM;
}

static void test_image(void **state)
{
	static const struct cloud_life lives[] = {
		LIFE(image_ensure, "@" NEW ", new", built, 0, "BuildImage", .prepare = with_repository,
		     .stack = DEPLOYED),
		LIFE(image_ensure, ", unchanged", unchanged, 0, "BuildImage", .prepare = with_repository,
		     .settings = AT_ECR),
		LIFE(image_ensure, ", unchanged", garbled_once, 0, "BuildImage BuildImage", .prepare = with_repository),
		LIFE(image_ensure, "the registry's reply is not JSON", garbled, -EBADMSG,
		     "BuildImage BuildImage BuildImage", .prepare = with_repository),
		LIFE(check_first, "", checked, 0, ""),
		LIFE(check_first, "", checked, 0, "", .argument = "previous"),
		LIFE(image_find, "", found, 0, "", .prepare = with_repository),
		LIFE(image_find, "", checked, 0, "", .prepare = with_repository),
		LIFE(image_find, "", checked, 0, ""),
	};

	(void)state;
	cloud_run(lives, ARRAY_SIZE(lives));
}

#define CLEAN_OPTIONAL                                                                                         \
	"DescribeServices ListTasks DescribeRepositories ListTagsForResource DescribeImages BatchDeleteImage " \
	"DescribeTaskDefinition TagResource "
#define STORED "{\"image-before\":\"" OLD " x86_64 base:1\"}"

static void test_previous_image(void **state)
{
	static const struct cloud_life lives[] = {
		LIFE(image_ensure, "the one deployed before, assembled from base:1", old_one, 0, "",
		     .prepare = with_repository, .argument = "previous"),
		LIFE(image_ensure, "there is no previous image", no_old_one, -EINVAL, "", .prepare = with_repository,
		     .argument = "previous"),
		LIFE(image_ensure, "for the processor arm64", old_processor, -EINVAL, "", .prepare = with_repository,
		     .argument = "previous"),
		LIFE(image_ensure, "was removed from the repository", old_removed, -EINVAL, "",
		     .prepare = with_repository, .argument = "previous"),
		LIFE(clean, "", cleaned, 0, "BatchDeleteImage", .prepare = with_image, .stack = DEPLOYED,
		     .optional = "DescribeServices ListTasks DescribeRepositories ListTagsForResource DescribeImages "
				 "BatchDeleteImage "),
		LIFE(clean, "", cleaned_beside_service, 0, "", .prepare = with_image, .stack = DEPLOYED,
		     .optional = CLEAN_OPTIONAL),
		LIFE(clean, "", cleaned_without_cluster, 0, "BatchDeleteImage", .prepare = with_image,
		     .stack = DEPLOYED, .optional = CLEAN_OPTIONAL),
		LIFE(clean, "", stored, 0, "TagResource", .prepare = with_image, .stack = DEPLOYED, .memory = STORED,
		     .optional = "DescribeServices ListTasks DescribeRepositories ListTagsForResource DescribeImages "
				 "TagResource "),
	};

	(void)state;
	cloud_run(lives, ARRAY_SIZE(lives));
}

/* -- what every operation does ---------------------------------------------------------------------------------------
 */

static const struct cloud_reply identified[] = {SAYS("GetCallerIdentity", "{\"Account\":\"210987654321\"}"), END};

static int identify(struct operation *op, struct error *err)
{
	int r;

	free(op->account);
	op->account = NULL;
	r = operation_identify(op, err);
	if (r == 0)
		r = operation_identify(op, err); /* it asks once only */
	if (r == 0)
		buf_puts(&op->result, op->account);
	return r;
}

static int remember_much(struct operation *op, struct error *err)
{
	char text[OPERATION_MEMORY_MAX + 2];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	return operation_remember(op, "text", text, err);
}

static void test_what_every_operation_does(void **state)
{
	static const struct cloud_life lives[] = {
		LIFE(identify, "210987654321", identified, 0, ""),
		LIFE(remember_much, "its value has 513 bytes; the maximum is 512", identified, -EINVAL, ""),
	};

	(void)state;
	cloud_run(lives, ARRAY_SIZE(lives));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_role_policies),
		cmocka_unit_test(test_vpc_and_quotas),
		cmocka_unit_test(test_repository),
		cmocka_unit_test(test_storage),
		cmocka_unit_test(test_image),
		cmocka_unit_test(test_previous_image),
		cmocka_unit_test(test_what_every_operation_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
