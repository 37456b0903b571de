/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/services/sso.h"

#include "aws/services/service.h"

struct aws_request *sso_get_role_credentials(const char *role_name, const char *account_id, const char *header)
{
	AWS_SHAPE(credentials, {"roleCredentials", AWS_OBJECT}, {"roleCredentials.accessKeyId", AWS_STRING},
		  {"roleCredentials.secretAccessKey", AWS_STRING}, {"roleCredentials.sessionToken", AWS_STRING},
		  {"roleCredentials.expiration", AWS_COUNT});
	struct aws_request *r =
		aws_rest_new(&aws_service_sso, "GetRoleCredentials", "GET", "/federation/credentials", NULL, NULL);

	aws_put_query(&r, "role_name", role_name);
	aws_put_query(&r, "account_id", account_id);
	aws_put_members(r, credentials);
	if (r)
		r->headers[0] = header;
	return r;
}

struct aws_request *sso_portal_logout(const char *header)
{
	struct aws_request *r = aws_rest_new(&aws_service_sso, "Logout", "POST", "/logout", NULL, NULL);

	if (r) {
		r->headers[0] = header;
		r->opaque = true;
	}
	return r;
}

static struct aws_request *sso_oidc_request(const char *operation, const char *path)
{
	struct aws_request *r = aws_rest_new(&aws_service_sso_oidc, operation, "POST", path, NULL, NULL);

	aws_put_body(&r);
	return r;
}

struct aws_request *sso_register_client(const char *client_name, const char *scope)
{
	AWS_SHAPE(client, {"clientId", AWS_STRING}, {"clientSecret", AWS_STRING}, {"clientSecretExpiresAt", AWS_COUNT});
	struct aws_request *r = sso_oidc_request("RegisterClient", "/client/register");

	aws_put_text(&r, "clientName", client_name);
	aws_put_text(&r, "clientType", "public");
	if (scope)
		aws_put_texts(&r, "scopes", &scope, 1);
	aws_put_members(r, client);
	return r;
}

struct aws_request *sso_start_device_authorization(const char *client_id, const char *client_secret,
						   const char *start_url)
{
	AWS_SHAPE(device, {"deviceCode", AWS_STRING}, {"userCode", AWS_STRING}, {"verificationUri", AWS_STRING},
		  {"verificationUriComplete", AWS_STRING | AWS_OPTIONAL}, {"expiresIn", AWS_COUNT},
		  {"interval", AWS_COUNT | AWS_OPTIONAL});
	struct aws_request *r = sso_oidc_request("StartDeviceAuthorization", "/device_authorization");

	aws_put_text(&r, "clientId", client_id);
	aws_put_text(&r, "clientSecret", client_secret);
	aws_put_text(&r, "startUrl", start_url);
	aws_put_members(r, device);
	return r;
}

struct aws_request *sso_create_token(const struct sso_token_request *t)
{
	AWS_SHAPE(token, {"accessToken", AWS_STRING}, {"expiresIn", AWS_COUNT},
		  {"refreshToken", AWS_STRING | AWS_OPTIONAL});
	struct aws_request *r = sso_oidc_request("CreateToken", "/token");

	aws_put_text(&r, "grantType", t->grant_type);
	aws_put_text(&r, "clientId", t->client_id);
	aws_put_text(&r, "clientSecret", t->client_secret);
	aws_put_text(&r, "refreshToken", t->refresh_token);
	aws_put_text(&r, "deviceCode", t->device_code);
	aws_put_members(r, token);
	return r;
}
