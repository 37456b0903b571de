# SPDX-License-Identifier: BSD-3-Clause
"""The same files and environment for botocore and for vastfs: the same requests leave the machine, or both refuse.

Compared are, of every request to AWS: scheme, host, access key, session token, signing region and service, and what is
asked of STS and of IAM Identity Center. botocore's signer confirms each signature (side_by_side.py).
"""

import json
from dataclasses import dataclass, field
from hashlib import sha1

import pytest
from conftest import reply
from side_by_side import LATER, Both, World, secret_of

EXPIRED = "2020-01-01T00:00:00Z"


@dataclass
class Case:
    name: str
    env: dict = field(default_factory=dict)
    config: str = ""
    shared: str = ""
    profile: str = None
    files: dict = field(default_factory=dict)
    overrides: dict = field(default_factory=dict)
    service: str = "sts"
    refused: bool = False


CASES = []


class Once:
    """An answer for the first request; None afterwards, which stands for the usual one."""

    def __init__(self, answer):
        self.answer, self.left = answer, 1

    def __call__(self, world):
        self.left -= 1
        return self.answer if self.left >= 0 else None


def case(name, env=None, config="", shared="", **more):
    CASES.append(Case(name, env or {}, config, shared, **more))


def refused(name, env=None, config="", shared="", **more):
    case(name, env, config, shared, refused=True, **more)


def keys(name, token=None, prefix=""):
    return f"aws_access_key_id = {prefix}{name}\naws_secret_access_key = {secret_of(name)}\n" + (f"aws_session_token = {token}\n" if token else "")


def variables(name, **more):
    return {"AWS_ACCESS_KEY_ID": name, "AWS_SECRET_ACCESS_KEY": secret_of(name), **more}


def section(name, *lines):
    return f"[{name}]\n" + "".join(line if line.endswith("\n") else line + "\n" for line in lines)


def role(name="r"):
    return f"role_arn = arn:aws:iam::1:role/{name}\n"


ENV = variables("ENV")
BASE = section("base", keys("BASE"))

# -- environment ------------------------------------------------------------------------------------------------------

case("environment", ENV)
case("a session token", {**ENV, "AWS_SESSION_TOKEN": "T"})
case("the older name of the token", {**ENV, "AWS_SECURITY_TOKEN": "O"})
case("both names of the token", {**ENV, "AWS_SESSION_TOKEN": "T", "AWS_SECURITY_TOKEN": "O"})
case("an empty older token", {**ENV, "AWS_SESSION_TOKEN": "T", "AWS_SECURITY_TOKEN": ""})
case("an empty token", {**ENV, "AWS_SESSION_TOKEN": ""})
case("a token of a blank inside", {**ENV, "AWS_SESSION_TOKEN": "a b"})
refused("a key without a secret", {"AWS_ACCESS_KEY_ID": "ENV"}, shared=section("default", keys("FILE")))
refused("a key with an empty secret", {"AWS_ACCESS_KEY_ID": "ENV", "AWS_SECRET_ACCESS_KEY": ""}, shared=section("default", keys("FILE")))
case("an empty key", {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "x"}, shared=section("default", keys("FILE")))
case("a secret without a key", {"AWS_SECRET_ACCESS_KEY": "x"}, shared=section("default", keys("FILE")))
case("an expiration to come", {**ENV, "AWS_CREDENTIAL_EXPIRATION": LATER})
case("an expiration with an offset", {**ENV, "AWS_CREDENTIAL_EXPIRATION": "2099-01-01T00:00:00+02:00"})
refused("an expiration that is past", {**ENV, "AWS_CREDENTIAL_EXPIRATION": EXPIRED})
refused("an expiration that is none", {**ENV, "AWS_CREDENTIAL_EXPIRATION": "soon"})
case("an empty expiration", {**ENV, "AWS_CREDENTIAL_EXPIRATION": ""})
case("an account", {**ENV, "AWS_ACCOUNT_ID": "123456789012"})
refused("nothing at all")
refused("lower case variables", {k.lower(): v for k, v in ENV.items()})

# -- files ------------------------------------------------------------------------------------------------------------


def both_files(name, header, body=keys("FILE"), **more):
    case(name + ", credentials", shared=header + "\n" + body, **more)
    case(name + ", config", config=header + "\n" + body, **more)


FORMS = {
    "plain": keys("FILE"), "no blanks": keys("FILE").replace(" = ", "="), "tabs": keys("FILE").replace(" = ", "\t=\t"),
    "colons": keys("FILE").replace(" = ", ": "), "capitals": keys("FILE").replace("aws_", "AWS_"),
    "mixed case": keys("FILE").replace("aws_access_key_id", "Aws_Access_Key_Id"), "trailing blanks": keys("FILE").replace("\n", "  \t\n"),
    "indented": keys("FILE", prefix="").replace("aws_", "  aws_"), "CRLF": keys("FILE").replace("\n", "\r\n"), "CR": keys("FILE").replace("\n", "\r"),
    "a comment between": keys("FILE").replace("\n", "\n# comment\n"), "a semicolon comment": keys("FILE").replace("\n", "\n  ; comment\n"),
    "empty lines": keys("FILE").replace("\n", "\n\n"), "no line end": keys("FILE").rstrip("\n"), "form feeds": keys("FILE").replace("\n", "\f\n"),
    "a token": keys("FILE", "TOKEN"), "the older token": keys("FILE") + "aws_security_token = O\n",
    "both tokens": keys("FILE", "TOKEN") + "aws_security_token = O\n",
    "an empty token": keys("FILE") + "aws_session_token =\n", "a nested block beside": keys("FILE") + "s3 =\n  a = b\n",
    "options of others": keys("FILE") + "cli_pager =\ncustom.option/x = 1\n", "an equals sign in a value": keys("FILE") + "x = a=b\n",
}
for label, text in FORMS.items():
    both_files(label, "[default]", text)
BROKEN = {
    "quoted values": 'aws_access_key_id = "FILE"\naws_secret_access_key = "' + secret_of("FILE") + '"\n', "junk": keys("FILE") + "junk\n",
    "an option twice": keys("FILE") + "aws_access_key_id = X\n", "twice in another case": keys("FILE") + "AWS_ACCESS_KEY_ID = X\n",
    "a bad nested block": keys("FILE") + "s3 =\n  a\n", "a section twice": keys("FILE") + "[default]\n" + keys("X"), "not UTF-8": b"[default]\n" + keys("FILE").encode() + b"x = \xff\n",
    "a token on a line of its own": keys("FILE") + "aws_session_token =\n  T\n",
    "a name without a value": keys("FILE") + "x\n", "a value without a name": keys("FILE") + "= x\n", "an unclosed section": keys("FILE") + "[x\n",
    "only a key": "aws_access_key_id = FILE\n", "only a secret": "aws_secret_access_key = x\n",
}
for label, text in BROKEN.items():
    refused(label + ", credentials", shared="[default]\n" + text if isinstance(text, str) else text)
    refused(label + ", config", config="[default]\n" + text if isinstance(text, str) else text)
refused("a byte order mark", shared="\ufeff[default]\n" + keys("FILE"))
refused("an option before any section", shared=keys("FILE"))
case("a file of nothing", ENV, "", "")
refused("a broken config beside keys in the environment", ENV, "junk\n")
refused("a broken credentials file beside keys in the environment", ENV, "", "junk\n")
HEADERS = {
    "profile": "[profile work]", "double quotes": '[profile "work"]', "single quotes": "[profile 'work']", "a tab": "[profile\twork]",
    "more blanks": "[profile   work ]", "an indented section": "  [profile work]", "a comment behind": "[profile work] # x", "an escape": "[profile w\\ork]",
}
for label, header in HEADERS.items():
    case("config: " + label, {"AWS_PROFILE": "work"}, header + "\n" + keys("WORK"))
for label, header in {"no word": "[work]", "a blank before": "[ profile work]", "three words": "[profile work x]", "another case": "[Profile work]",
                      "an unclosed quote": '[profile "work]', "another name": "[profile Work]"}.items():
    refused("config: " + label, {"AWS_PROFILE": "work"}, header + "\n" + keys("WORK"))
case("config: glued", {"AWS_PROFILE": "work"}, "[profilework]\n" + keys("X") + "[profile work]\n" + keys("WORK"))
refused("credentials: with the word profile", {"AWS_PROFILE": "work"}, "", "[profile work]\n" + keys("WORK"))
case("credentials: its full name", {"AWS_PROFILE": "profile work"}, "", "[profile work]\n" + keys("WORK"))
case("credentials: a blank in the name", {"AWS_PROFILE": "two words"}, "", "[two words]\n" + keys("WORK"))
case("credentials: blanks around the name", {"AWS_PROFILE": " work "}, "", "[ work ]\n" + keys("WORK"))
refused("credentials: blanks that the profile does not name", {"AWS_PROFILE": "work"}, "", "[ work ]\n" + keys("WORK"))
case("credentials: quotes are part of a name", {"AWS_PROFILE": '"work"'}, "", '["work"]\n' + keys("WORK"))
case("config: two words, quoted", {"AWS_PROFILE": "two words"}, '[profile "two words"]\n' + keys("WORK"))
case("config: Unicode", {"AWS_PROFILE": "w\u00f6rk"}, "[profile w\u00f6rk]\n" + keys("WORK"))
case("config: profile default", config="[profile default]\n" + keys("A"))
case("config: default, then profile default", config="[default]\n" + keys("A") + "[profile default]\n" + keys("B"))
case("config: profile default, then default", config="[profile default]\n" + keys("B") + "[default]\n" + keys("A"))
case("config: two spellings of a profile", {"AWS_PROFILE": "work"}, "[profile work]\n" + keys("A") + '[profile "work"]\n' + keys("B"))
case("DEFAULT gives to all", {"AWS_PROFILE": "work"}, "", "[DEFAULT]\n" + keys("D") + "[work]\n")
case("a key here, a secret there", config=section("default", "aws_secret_access_key = " + secret_of("A")), shared=section("default", keys("A")))
refused("half in each file", config=section("default", "aws_secret_access_key = " + secret_of("A")), shared=section("default", "aws_access_key_id = A"))
refused("the other half in each file", config=section("default", "aws_access_key_id = A"), shared=section("default", "aws_secret_access_key = " + secret_of("A")))
case("other files", {"AWS_CONFIG_FILE": "@HOME@/c", "AWS_SHARED_CREDENTIALS_FILE": "@HOME@/s"}, "junk", "junk", files={"c": "", "s": section("default", keys("OTHER"))})
case("other files by ~", {"AWS_CONFIG_FILE": "~/c", "AWS_SHARED_CREDENTIALS_FILE": "~/s"}, files={"c": section("default", keys("C")), "s": ""})
case("other files by a variable", {"X": "@HOME@", "AWS_SHARED_CREDENTIALS_FILE": "$X/s"}, files={"s": section("default", keys("S"))})
case("other files by a variable in braces", {"X": "@HOME@", "AWS_SHARED_CREDENTIALS_FILE": "${X}/s"}, files={"s": section("default", keys("S"))})
refused("an unknown variable", {"AWS_SHARED_CREDENTIALS_FILE": "$NOWHERE/s"}, files={"s": section("default", keys("S"))})
case("files that are not there", {**ENV, "AWS_CONFIG_FILE": "/nowhere/c", "AWS_SHARED_CREDENTIALS_FILE": "/nowhere/s"})
refused("a config file of an empty name", {"AWS_CONFIG_FILE": ""}, section("default", keys("C")))
refused("a credentials file of an empty name", {"AWS_SHARED_CREDENTIALS_FILE": ""}, "", section("default", keys("S")))

# -- order ------------------------------------------------------------------------------------------------------------

BOTH = {"config": section("default", keys("CONFIG")) + section("profile work", keys("WORKC")), "shared": section("default", keys("SHARED")) + section("work", keys("WORKS"))}
case("the environment before files", ENV, **BOTH)
case("the credentials file before the config file", **BOTH)
case("AWS_PROFILE", {"AWS_PROFILE": "work"}, **BOTH)
case("AWS_DEFAULT_PROFILE", {"AWS_DEFAULT_PROFILE": "work"}, **BOTH)
case("AWS_DEFAULT_PROFILE before AWS_PROFILE", {"AWS_DEFAULT_PROFILE": "work", "AWS_PROFILE": "default"}, **BOTH)
case("the environment before AWS_PROFILE", {**ENV, "AWS_PROFILE": "work"}, **BOTH)
case("a named profile before the environment", ENV, profile="work", **BOTH)
case("a named profile before AWS_PROFILE", {"AWS_PROFILE": "default"}, profile="work", **BOTH)
case("the default profile, named", ENV, profile="default", **BOTH)
refused("AWS_PROFILE of nowhere", {"AWS_PROFILE": "nope"}, **BOTH)
refused("AWS_PROFILE of nowhere beside keys", {**ENV, "AWS_PROFILE": "nope"}, **BOTH)
refused("a named profile of nowhere", ENV, profile="nope", **BOTH)
refused("an empty AWS_PROFILE beside keys", {**ENV, "AWS_PROFILE": ""}, **BOTH)
refused("an empty AWS_PROFILE", {"AWS_PROFILE": ""}, **BOTH)
refused("an empty AWS_DEFAULT_PROFILE before AWS_PROFILE", {"AWS_DEFAULT_PROFILE": "", "AWS_PROFILE": "work"}, **BOTH)
case("the role of a profile in the environment after keys", {**ENV, "AWS_PROFILE": "r"}, section("profile r", role(), "source_profile = base"), BASE)
refused("a named profile without keys, beside the environment", ENV, section("profile empty", "region = eu-west-1"), profile="empty")
case("AWS_PROFILE without keys, beside the environment", {**ENV, "AWS_PROFILE": "empty"}, section("profile empty", "region = eu-west-1"))
case("a role before keys of its profile", config=section("default", role(), "source_profile = base", keys("OWN")), shared=BASE)
case("web identity before keys", {"AWS_WEB_IDENTITY_TOKEN_FILE": "@HOME@/t", "AWS_ROLE_ARN": "arn:aws:iam::1:role/w"}, files={"t": "token"}, **BOTH)
case("the environment before web identity", {**ENV, "AWS_WEB_IDENTITY_TOKEN_FILE": "@HOME@/t", "AWS_ROLE_ARN": "arn:aws:iam::1:role/w"}, files={"t": "token"})
case("a named profile before web identity", {"AWS_WEB_IDENTITY_TOKEN_FILE": "@HOME@/t", "AWS_ROLE_ARN": "arn:aws:iam::1:role/w"}, files={"t": "token"}, profile="work", **BOTH)
case("files before a container", {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "@URL@/container"}, **BOTH)
INSTANCE = {"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": "@URL@"}
case("a container before an instance", {**INSTANCE, "AWS_CONTAINER_CREDENTIALS_FULL_URI": "@URL@/container"})
case("files before an instance", INSTANCE, **BOTH)

# -- roles ------------------------------------------------------------------------------------------------------------


def role_case(name, *lines, more="", shared=BASE, env=None, make=case, profile=None, **rest):
    make("role: " + name, env, section("default", *lines) + more, shared, profile=profile, **rest)


role_case("of a profile", role(), "source_profile = base")
role_case("an external ID", role(), "source_profile = base", "external_id = a&b c")
role_case("a short external ID", role(), "source_profile = base", "external_id = c", make=refused)
role_case("an empty session name", role(), "source_profile = base", "role_session_name =")
role_case("a short session name", role(), "source_profile = base", "role_session_name = x", make=refused)
role_case("a short ARN", "role_arn = arn:aws:iam::1", "source_profile = base", make=refused)
role_case("a short duration", role(), "source_profile = base", "duration_seconds = 899", make=refused)
role_case("an empty external ID", role(), "source_profile = base", "external_id =", make=refused)
role_case("a session name", role(), "source_profile = base", "role_session_name = me@x")
role_case("a duration", role(), "source_profile = base", "duration_seconds = 900")
role_case("a duration that is none", role(), "source_profile = base", "duration_seconds = long")
role_case("a duration with a fraction", role(), "source_profile = base", "duration_seconds = 1.5")
role_case("a duration with a sign", role(), "source_profile = base", "duration_seconds = +1800")
role_case("a duration with an underscore", role(), "source_profile = base", "duration_seconds = 1_800")
role_case("a duration of zero", role(), "source_profile = base", "duration_seconds = 0", make=refused)
role_case("a duration below zero", role(), "source_profile = base", "duration_seconds = -5", make=refused)
role_case("denied", role("denied"), "source_profile = base", make=refused)
role_case("a session token of the source", role(), "source_profile = base", shared=section("base", keys("BASE", "TOKEN")))
role_case("a source in the config file", role(), "source_profile = base", more=section("profile base", keys("BASE")), shared="")
role_case("itself", role(), "source_profile = default", keys("OWN"), shared="")
role_case("itself without keys", role(), "source_profile = default", make=refused)
role_case("a circle", role(), "source_profile = b", more=section("profile b", role("b"), "source_profile = default"), make=refused)
role_case("two in a row", role(), "source_profile = b", more=section("profile b", role("b"), "source_profile = base"))
role_case("three in a row", role(), "source_profile = b", more=section("profile b", role("b"), "source_profile = c") + section("profile c", role("c"), "source_profile = base", "external_id = cc"))
role_case("the second has keys", role(), "source_profile = b", more=section("profile b", role("b"), "source_profile = base", keys("B")))
role_case("the second sources itself", role(), "source_profile = b", more=section("profile b", role("b"), "source_profile = b", keys("B")))
role_case("no source", role(), make=refused)
role_case("two sources", role(), "source_profile = base", "credential_source = Environment", env=ENV, profile="default", make=refused)
role_case("a source of nowhere", role(), "source_profile = nope", make=refused)
role_case("a source without keys", role(), "source_profile = b", more=section("profile b", "region = eu-west-1"), make=refused)
role_case("a source with half a key", role(), "source_profile = b", more=section("profile b", "aws_access_key_id = B"), make=refused)
role_case("a source with the other half", role(), "source_profile = b", more=section("profile b", "aws_secret_access_key = B"), make=refused)
role_case("an empty source", role(), "source_profile =", make=refused)
role_case("an empty ARN", "role_arn =", "source_profile = base", make=refused)
role_case("in the credentials file", shared=section("r", role(), "source_profile = base") + BASE, env={"AWS_PROFILE": "r"})
role_case("of a quoted profile", role(), "source_profile = two words", more='[profile "two words"]\n' + keys("TWO"))
role_case("of a quoted name", role(), 'source_profile = "base"', make=refused)
case("role: Environment", {**ENV, "AWS_SESSION_TOKEN": "T", "AWS_PROFILE": "r"}, section("profile r", role(), "credential_source = Environment"))
role_case("Environment, named", role(), "credential_source = Environment", env={**ENV, "AWS_SESSION_TOKEN": "T"}, profile="default")
role_case("Environment without keys", role(), "credential_source = Environment", make=refused)
role_case("EcsContainer", role(), "credential_source = EcsContainer", env={"AWS_CONTAINER_CREDENTIALS_FULL_URI": "@URL@/container"})
role_case("EcsContainer that is none", role(), "credential_source = EcsContainer", make=refused)
role_case("Ec2InstanceMetadata", role(), "credential_source = Ec2InstanceMetadata", env=INSTANCE)
role_case("Ec2InstanceMetadata, disabled", role(), "credential_source = Ec2InstanceMetadata", env={**INSTANCE, "AWS_EC2_METADATA_DISABLED": "true"}, make=refused)
role_case("a source in another case", role(), "credential_source = environment", env=ENV, profile="default", make=refused)
role_case("an unknown source", role(), "credential_source = Elsewhere", make=refused)
role_case("an empty credential_source", role(), "credential_source =", make=refused)
role_case("Environment at the end of a row", role(), "source_profile = b", more=section("profile b", role("b"), "credential_source = Environment"), env=ENV, profile="default")
role_case("EcsContainer at the end of a row", role(), "source_profile = b", more=section("profile b", role("b"), "credential_source = EcsContainer"),
          env={"AWS_CONTAINER_CREDENTIALS_FULL_URI": "@URL@/container"})
role_case("of web identity", role(), "source_profile = b", more=section("profile b", role("w"), "web_identity_token_file = @HOME@/t"), files={"t": "token"})
role_case("of a process", role(), "source_profile = b", more=section("profile b", "credential_process = cat @HOME@/p"),
          files={"p": json.dumps({"Version": 1, "AccessKeyId": "PROC", "SecretAccessKey": secret_of("PROC")})})
role_case("an environment token file does not count for its source", role(), "source_profile = b", more=section("profile b", keys("B")), profile="default",
          env={"AWS_WEB_IDENTITY_TOKEN_FILE": "@HOME@/t", "AWS_ROLE_ARN": "arn:aws:iam::1:role/w"}, files={"t": "token"})
role_case("AWS_ROLE_ARN is not for it", role(), "source_profile = base", env={"AWS_ROLE_ARN": "arn:aws:iam::1:role/x", "AWS_ROLE_SESSION_NAME": "x"})
role_case("an MFA device", role(), "source_profile = base", "mfa_serial = arn:aws:iam::1:mfa/x", make=refused)
role_case("in China", role().replace("arn:aws:", "arn:aws-cn:"), "source_profile = base", "region = cn-north-1", env={"AWS_DEFAULT_REGION": None})
role_case("the source's region does not count", role(), "source_profile = b", more=section("profile b", keys("B"), "region = us-east-1"))
role_case("STS of the older regions", role(), "source_profile = base", env={"AWS_STS_REGIONAL_ENDPOINTS": "legacy", "AWS_DEFAULT_REGION": "us-west-2"})
role_case("an STS endpoint of one's own", role(), "source_profile = base", env={"AWS_ENDPOINT_URL_STS": "http://sts.example:81/x"}, service="ec2")
role_case("FIPS", role(), "source_profile = base", env={"AWS_USE_FIPS_ENDPOINT": "true", "AWS_DEFAULT_REGION": "us-east-1"}, service="ecs")

# -- web identity -----------------------------------------------------------------------------------------------------

WEB = {"AWS_WEB_IDENTITY_TOKEN_FILE": "@HOME@/t", "AWS_ROLE_ARN": "arn:aws:iam::1:role/w"}
TOKEN = {"t": "ey.J.x"}
case("web identity", WEB, files=TOKEN)
case("web identity: a session name", {**WEB, "AWS_ROLE_SESSION_NAME": "me"}, files=TOKEN)
case("web identity: an empty session name", {**WEB, "AWS_ROLE_SESSION_NAME": ""}, files=TOKEN)
case("web identity: a line end in the file", WEB, files={"t": "ey.J.x\n"})
refused("web identity: an empty file", WEB, files={"t": ""})
refused("web identity: no file", WEB)
refused("web identity: denied", {**WEB, "AWS_ROLE_ARN": "arn:aws:iam::1:role/denied"}, files=TOKEN)
refused("web identity: no role", {"AWS_WEB_IDENTITY_TOKEN_FILE": "@HOME@/t"}, files=TOKEN)
refused("web identity: an empty role", {**WEB, "AWS_ROLE_ARN": ""}, files=TOKEN)
case("web identity: an empty file name", {**WEB, "AWS_WEB_IDENTITY_TOKEN_FILE": ""}, section("default", keys("A")), files=TOKEN)
case("web identity: in a profile", config=section("default", role("w"), "web_identity_token_file = @HOME@/t"), files=TOKEN)
case("web identity: the role of the profile", {"AWS_WEB_IDENTITY_TOKEN_FILE": "@HOME@/t"}, section("default", role("p"), "web_identity_token_file = /nowhere"), files=TOKEN)
case("web identity: a role in the environment, a token in the profile", {"AWS_ROLE_ARN": "arn:aws:iam::1:role/e"},
     section("default", role("p"), "web_identity_token_file = @HOME@/t"), files=TOKEN)
case("web identity: a named profile", WEB, section("profile p", role("p"), "web_identity_token_file = @HOME@/t", "role_session_name = me"), files=TOKEN, profile="p")
case("web identity: a duration does not count", config=section("default", role("w"), "web_identity_token_file = @HOME@/t", "duration_seconds = 900"), files=TOKEN)
refused("web identity: ~ in the file name", {**WEB, "AWS_WEB_IDENTITY_TOKEN_FILE": "~/t"}, files=TOKEN)
case("web identity: the endpoint of the region", {**WEB, "AWS_DEFAULT_REGION": "ap-southeast-2"}, files=TOKEN)

# -- IAM Identity Center ----------------------------------------------------------------------------------------------

SESSION = section("sso-session corp", "sso_region = eu-central-1", "sso_start_url = https://x.example/start")
SSO = "sso_session = corp\nsso_account_id = 000000000012\nsso_role_name = Dev\n"
OLDER = "sso_account_id = 1\nsso_role_name = Dev\nsso_region = eu-central-1\nsso_start_url = https://x.example/start\n"


def cache(name="corp", text=None, **token):
    token = {"accessToken": "good", "expiresAt": LATER, **token}
    content = json.dumps({k: v for k, v in token.items() if v is not None}) if text is None else text
    return {".aws/sso/cache/" + sha1(name.encode()).hexdigest() + ".json": content}


def sso(name, config=section("default", SSO) + SESSION, files=None, make=case, **more):
    make("sso: " + name, more.pop("env", None), config, files=cache() if files is None else files, **more)


REGISTRATION = {"refreshToken": "r", "clientId": "c", "clientSecret": "s", "registrationExpiresAt": LATER}
OF_URL = cache("https://x.example/start")
sso("a session")
sso("the older form", section("default", OLDER), OF_URL)
sso("before keys", section("default", SSO, keys("A")) + SESSION)
sso("a quoted session", section("default", SSO) + SESSION.replace("sso-session corp", 'sso-session "corp"'))
sso("a named profile", section("profile p", SSO) + SESSION, profile="p", env=ENV)
sso("the same region twice", section("default", SSO, "sso_region = eu-central-1") + SESSION)
sso("a role of it", section("default", role(), "source_profile = w") + section("profile w", SSO) + SESSION)
sso("in the credentials file", SESSION, shared=section("default", SSO))
sso("an expiry in the older form", files=cache(expiresAt="2099-01-01T00:00:00UTC"))
sso("an expiry with an offset", files=cache(expiresAt="2099-01-01T00:00:00+00:00"))
sso("an expiry with a fraction", files=cache(expiresAt="2099-01-01T00:00:00.123456Z"))
sso("a token that can be refreshed", files=cache(expiresAt=EXPIRED, **REGISTRATION))
sso("a token whose refresh is refused", files=cache(expiresAt=EXPIRED, **REGISTRATION), make=refused,
    overrides={"/token": reply(400, {"error": "invalid_grant"}, [("x-amzn-ErrorType", "InvalidGrantException")])})
for missing in REGISTRATION:
    sso("a refresh without " + missing, files=cache(expiresAt=EXPIRED, **{**REGISTRATION, missing: None}), make=refused)
sso("a registration that has expired", files=cache(expiresAt=EXPIRED, **{**REGISTRATION, "registrationExpiresAt": EXPIRED}), make=refused)
sso("an expired token of the older form", section("default", OLDER), cache("https://x.example/start", expiresAt=EXPIRED, **REGISTRATION), make=refused)
sso("an expired token", files=cache(expiresAt=EXPIRED), make=refused)
sso("no token", files={}, make=refused)
sso("the token of another session", files=cache("other"), make=refused)
sso("a revoked token", files=cache(accessToken="bad"), make=refused)
sso("a truncated token", files=cache(text='{"accessToken": "good", "expi'), make=refused)
sso("a token with junk behind it", files=cache(text='{"accessToken": "good", "expiresAt": "' + LATER + '"} x'), make=refused)
sso("an expiry that is none", files=cache(expiresAt="tomorrow-ish"), make=refused)
for missing in ("accessToken", "expiresAt"):
    sso("a token without " + missing, files=cache(**{missing: None}), make=refused)
for missing in ("sso_account_id", "sso_role_name"):
    sso("a profile without " + missing, "\n".join(line for line in (section("default", SSO) + SESSION).split("\n") if not line.startswith(missing)), make=refused)
for missing in ("sso_region", "sso_start_url"):
    sso("a session without " + missing, "\n".join(line for line in (section("default", SSO) + SESSION).split("\n") if not line.startswith(missing)), make=refused)
    sso(f"a session whose {missing} is in the profile", section("default", SSO, f"{missing} = eu-central-1") + "\n".join(
        line for line in SESSION.split("\n") if not line.startswith(missing)), make=refused)
    sso("the older form without " + missing, "\n".join(line for line in section("default", OLDER).split("\n") if not line.startswith(missing)), OF_URL, make=refused)
sso("a session of nowhere", section("default", SSO), make=refused)
sso("a session that differs", section("default", SSO, "sso_region = us-east-1") + SESSION, make=refused)
sso("an empty session name", section("default", SSO.replace("corp", "")) + SESSION, make=refused)
sso("a session without account and role, beside keys", section("default", "sso_session = corp", keys("A")) + SESSION)
sso("a start URL alone, beside keys", section("default", "sso_start_url = https://x", keys("A")))
sso("the session in the credentials file", section("default", SSO), shared=SESSION, make=refused)
sso("an endpoint of one's own", env={"AWS_ENDPOINT_URL_SSO": "http://sso.example:82"})
sso("an endpoint for OIDC of one's own", env={"AWS_ENDPOINT_URL_SSO_OIDC": "http://oidc.example:83"}, files=cache(expiresAt=EXPIRED, **REGISTRATION))
sso("in China", section("default", SSO) + SESSION.replace("eu-central-1", "cn-north-1"), env={"AWS_DEFAULT_REGION": "cn-north-1"})

# -- programs ---------------------------------------------------------------------------------------------------------


def process(name, answer, make=case, command="cat @HOME@/p", env=None, more="", shared="", **rest):
    text = answer if isinstance(answer, str) else json.dumps({"Version": 1, "AccessKeyId": "PROC", "SecretAccessKey": secret_of("PROC"), **answer})
    make("process: " + name, env, section("default", "credential_process = " + command, more), shared, files={"p": text, "two words": text, "bin/tool": "#!/bin/sh\ncat \"$HOME/p\"\n", **rest.pop("files", {})},
         **rest)


process("keys", {})
process("a token", {"SessionToken": "T"})
process("a token that is null", {"SessionToken": None})
process("an empty token", {"SessionToken": ""})
for label, when in {"Z": LATER, "an offset of zero": "2099-01-01T00:00:00+00:00", "an offset": "2099-01-01T02:00:00+02:00", "a fraction": "2099-01-01T00:00:00.123Z",
                    "nanoseconds": "2099-01-01T00:00:00.123456789Z", "a blank for T": "2099-01-01 00:00:00Z", "an offset without a colon": "2099-01-01T00:00:00-0500",
                    "the basic form": "20990101T000000Z", "lower case": "2099-01-01t00:00:00z", "no seconds": "2099-01-01T00:00Z",
                    "UTC": "2099-01-01T00:00:00UTC", "an offset of hours": "2099-01-01T00:00:00+02", "the form of HTTP": "Thu, 01 Jan 2099 00:00:00 GMT"}.items():
    process("expiration: " + label, {"Expiration": when})
process("expiration: null", {"Expiration": None})
process("expiration: empty", {"Expiration": ""}, make=refused)
process("expiration: nonsense", {"Expiration": "never"}, make=refused)
process("expiration: past", {"Expiration": EXPIRED}, make=refused)
process("expiration: past by its offset", {"Expiration": "2020-01-01T00:00:00+02:00"}, make=refused)
process("expiration: a number", {"Expiration": 4070908800}, make=refused)
process("expiration: without an offset", {"Expiration": "2099-01-01T00:00:00"}, make=refused)
for label, version in {"2": 2, "0": 0, "text": "1", "null": None, "1.5": 1.5}.items():
    process("version " + label, {"Version": version}, make=refused)
process("version 1.0", {"Version": 1.0})
process("no version", json.dumps({"AccessKeyId": "PROC", "SecretAccessKey": "s"}), make=refused)
process("no secret", json.dumps({"Version": 1, "AccessKeyId": "PROC"}), make=refused)
process("no key", json.dumps({"Version": 1, "SecretAccessKey": "s"}), make=refused)
process("nothing", "", make=refused)
process("garbage", "garbage", make=refused)
process("a list", "[1]", make=refused)
process("junk behind the object", json.dumps({"Version": 1, "AccessKeyId": "PROC", "SecretAccessKey": secret_of("PROC")}) + " x", make=refused)
process("two objects", json.dumps({"Version": 1, "AccessKeyId": "PROC", "SecretAccessKey": secret_of("PROC")}) * 2, make=refused)
process("blanks around the object", "\n\n " + json.dumps({"Version": 1, "AccessKeyId": "PROC", "SecretAccessKey": secret_of("PROC")}) + "\r\n\n")
process("another case", json.dumps({"Version": 1, "accessKeyId": "PROC", "secretAccessKey": "s"}), make=refused)
process("quotes", {}, command="cat '@HOME@/two words'")
process("double quotes", {}, command='cat "@HOME@/two words"')
process("an escape", {}, command="cat @HOME@/two\\ words")
process("by PATH", {}, command="tool")
process("no shell", {}, command="cat $HOME/p", make=refused)
process("an unclosed quote", {}, command="cat '@HOME@/p", make=refused)
process("an empty command", {}, command="", make=refused)
process("a program of nowhere", {}, command="/nowhere/x", make=refused)
process("a failure", {}, command="false", make=refused)
process("before keys of the config file", {}, more=keys("A"))
process("after keys of the credentials file", {}, shared=section("default", keys("A")))
process("in the credentials file", {}, command="false", shared=section("default", "credential_process = cat @HOME@/p"))
process("the environment before it", {}, env=ENV)

# -- containers -------------------------------------------------------------------------------------------------------


def container(name, env, make=case, **more):
    make("container: " + name, env, **more)


FULL = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "@URL@/container"}
container("a full URI", FULL)
container("a query", {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "@URL@/container?id=7"})
container("localhost", {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "@LOCALHOST@/container"})
container("a token", {**FULL, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "Bearer x"})
container("an empty token", {**FULL, "AWS_CONTAINER_AUTHORIZATION_TOKEN": ""})
container("a token file", {**FULL, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "@HOME@/t"}, files=TOKEN)
container("a token file before a token", {**FULL, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "x", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "@HOME@/t"}, files=TOKEN)
container("an empty token file", {**FULL, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "@HOME@/t"}, files={"t": ""})
container("a token file with a line end", {**FULL, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "@HOME@/t"}, files={"t": "x\n"}, make=refused)
container("a token file of nowhere", {**FULL, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "@HOME@/t"}, make=refused)
container("a token file of an empty name", {**FULL, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": ""}, make=refused)
container("a token with a line end", {**FULL, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "a\nb: c"}, make=refused)
for url in ("http://192.0.2.1/x", "http://localhost.example.org/x", "http://127.0.0.1.example.org/x", "http://169.254.170.3/x", "ftp://localhost/", "", "/x", "http://", "http://localhost@192.0.2.1/x", "http://2130706433/x"):
    container("the URI " + url, {"AWS_CONTAINER_CREDENTIALS_FULL_URI": url}, make=refused)
container("not JSON", FULL, overrides={"/container": reply(200, b"<html>")}, make=refused)
container("status 403", FULL, overrides={"/container": reply(403, b"no")}, make=refused)
for missing in ("AccessKeyId", "SecretAccessKey", "Token", "Expiration"):
    container("no " + missing, FULL, overrides={"/container": lambda w, m=missing: reply(200, {k: v for k, v in w.keys("C", "Token").items() if k != m})}, make=refused)
container("a named profile without keys", FULL, config=section("profile p", "region = eu-west-1"), profile="p")

# -- instances --------------------------------------------------------------------------------------------------------


def instance(name, env=None, make=case, **more):
    make("instance: " + name, {**INSTANCE, **(env or {})}, **more)


instance("its role")
for value in ("true", "True", "TRUE"):
    instance("disabled by " + value, {"AWS_EC2_METADATA_DISABLED": value}, make=refused)
for value in ("1", "yes", "", "false", " true"):
    instance(f"not disabled by '{value}'", {"AWS_EC2_METADATA_DISABLED": value})
instance("a slash behind the endpoint", {"AWS_EC2_METADATA_SERVICE_ENDPOINT": "@URL@/"})
instance("the endpoint in the config file", {"AWS_EC2_METADATA_SERVICE_ENDPOINT": None}, config=section("default", "ec2_metadata_service_endpoint = @URL@"))
instance("the endpoint in a profile", {"AWS_EC2_METADATA_SERVICE_ENDPOINT": None, "AWS_PROFILE": "p"}, config=section("profile p", "ec2_metadata_service_endpoint = @URL@"))
instance("an endpoint that is none", {"AWS_EC2_METADATA_SERVICE_ENDPOINT": "not a url"}, make=refused)
instance("an endpoint that does not listen", {"AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:9"}, make=refused)
instance("a mode that is none", {"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "ipv5"}, make=refused)
instance("an empty mode", {"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": ""}, make=refused)
instance("the mode beside an endpoint", {"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "IPv6"})
instance("a token with status 400", overrides={"/latest/api/token": reply(400)}, make=refused)
for status in (401, 403, 404, 405, 500):
    instance(f"version 1 after status {status}", overrides={"/latest/api/token": reply(status)})
    instance(f"no version 1 after status {status}", {"AWS_EC2_METADATA_V1_DISABLED": "true"}, overrides={"/latest/api/token": reply(status)}, make=refused)
instance("no version 1 by the config file", config=section("default", "ec2_metadata_v1_disabled = true"), overrides={"/latest/api/token": reply(404)}, make=refused)
instance("no role", overrides={".*/security-credentials/": reply(404)}, make=refused)
instance("an empty role", overrides={".*/security-credentials/": reply(200, b"")}, make=refused)
instance("a page in place of keys", overrides={".*/my-role": reply(200, b"<html>")}, make=refused)
instance("keys with a failure", overrides={".*/my-role": reply(200, {"Code": "AssumeRoleUnauthorizedAccess", "Message": "no"})}, make=refused)
for missing in ("AccessKeyId", "SecretAccessKey", "Token", "Expiration"):
    instance("no " + missing, overrides={".*/my-role": lambda w, m=missing: reply(200, {k: v for k, v in w.keys("I", "Token").items() if k != m})}, make=refused)
instance("expired keys", overrides={".*/my-role": lambda w: reply(200, {**w.keys("I", "Token"), "Expiration": EXPIRED})})
for label, env in {"mode": {"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "ipv5"}, "endpoint": {"AWS_EC2_METADATA_SERVICE_ENDPOINT": "not a url"},
                   "timeout": {"AWS_METADATA_SERVICE_TIMEOUT": "soon"}, "number of attempts": {"AWS_METADATA_SERVICE_NUM_ATTEMPTS": ""}}.items():
    refused(f"instance: a wrong {label} beside keys", {**ENV, **env})
    case(f"instance: a wrong {label} in another profile", ENV, section("profile p", *(k.lower().removeprefix("aws_") + " = x" for k in env)))
    refused(f"instance: a wrong {label} in the profile", ENV, section("default", *(k.lower().removeprefix("aws_") + " = x" for k in env)))
instance("through a proxy", {"AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://imds.example"})
instance("a second attempt", {"AWS_METADATA_SERVICE_NUM_ATTEMPTS": "2"}, overrides={"/latest/api/token": Once(reply(500))})
instance("a role at the second attempt", {"AWS_METADATA_SERVICE_NUM_ATTEMPTS": "2"}, overrides={".*/security-credentials/": Once(reply(500))})
instance("keys at the second attempt", {"AWS_METADATA_SERVICE_NUM_ATTEMPTS": "2"}, overrides={".*/my-role": Once(reply(500))})
instance("keys that are late but one attempt", overrides={".*/my-role": Once(reply(500))}, make=refused)
instance("an expiration with a fraction", overrides={".*/my-role": lambda w: reply(200, {**w.keys("I", "Token"), "Expiration": "2099-01-01T00:00:00.5Z"})})
instance("a timeout", {"AWS_METADATA_SERVICE_TIMEOUT": "5", "AWS_METADATA_SERVICE_NUM_ATTEMPTS": "2"})

# -- lifetimes --------------------------------------------------------------------------------------------------------

role_case("keys that have expired", role("short"), "source_profile = base", make=refused,
          overrides={"AssumeRole": lambda w: reply(200, ("<R><A><Credentials>" + "".join(f"<{k}>{v}</{k}>" for k, v in {**w.keys("X"), "Expiration": EXPIRED}.items()) + "</Credentials></A></R>").encode())})

# -- endpoints --------------------------------------------------------------------------------------------------------


def place(name, env=None, config="", make=case, service="ecs", **more):
    make("endpoint: " + name, {**ENV, **(env or {})}, config, service=service, **more)


for region in ("us-east-1", "eu-west-1", "cn-north-1", "us-gov-west-1", "us-iso-east-1", "us-isob-east-1", "eu-isoe-west-1", "eusc-de-east-1", "mx-central-1", "xx-nowhere-7", "us-weird", "local"):
    for service in ("ecs", "iam", "sts", "ecr"):
        place(f"{service} in {region}", {"AWS_DEFAULT_REGION": region}, service=service)
place("AWS_REGION before AWS_DEFAULT_REGION", {"AWS_REGION": "us-west-2"})
place("an empty AWS_REGION", {"AWS_REGION": ""})
NO_REGION = {"AWS_DEFAULT_REGION": None}
place("the profile's region", NO_REGION, section("default", "region = us-west-2"))
place("the region of a profile beside keys", {**NO_REGION, "AWS_PROFILE": "p"}, section("profile p", "region = us-west-2"))
place("a variable before the profile's region", {}, section("default", "region = us-west-2"))
place("a region in the credentials file", NO_REGION, shared=section("default", "region = us-west-2"))
place("the region of no other profile", {**NO_REGION, "AWS_PROFILE": "p"}, section("default", "region = us-west-2") + section("profile p", "x = y"), make=refused)
place("no region", NO_REGION, make=refused)
place("a region that is no host name", {"AWS_DEFAULT_REGION": "eu west/1"}, make=refused)
place("a URL for all", {"AWS_ENDPOINT_URL": "http://all.example:84"})
place("a URL for one", {"AWS_ENDPOINT_URL_ECS": "http://ecs.example:84", "AWS_ENDPOINT_URL": "http://all.example"})
place("a URL for another", {"AWS_ENDPOINT_URL_EC2": "http://ec2.example:84"})
place("a URL for a name of two words", {"AWS_ENDPOINT_URL_CLOUDWATCH_LOGS": "http://logs.example"}, service="logs")
place("a URL for another spelling", {"AWS_ENDPOINT_URL_LOGS": "http://logs.example"}, service="logs")
place("an empty URL for one", {"AWS_ENDPOINT_URL_ECS": "", "AWS_ENDPOINT_URL": "http://all.example"})
place("an empty URL", {"AWS_ENDPOINT_URL": ""})
place("a URL with a path", {"AWS_ENDPOINT_URL": "http://all.example/x/y/"})
place("an https URL with a port", {"AWS_ENDPOINT_URL": "https://all.example:444"})
place("the scheme's own port", {"AWS_ENDPOINT_URL": "https://all.example:443"})
place("a URL in capitals", {"AWS_ENDPOINT_URL": "HTTP://ALL.Example"})
place("a URL without a scheme", {"AWS_ENDPOINT_URL": "all.example"}, make=refused)
place("a URL without a host", {"AWS_ENDPOINT_URL": "http://"}, make=refused)
place("ignored URLs", {"AWS_ENDPOINT_URL": "http://all.example", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"})
place("URLs ignored by the config file", {"AWS_ENDPOINT_URL": "http://all.example"}, section("default", "ignore_configured_endpoint_urls = true"))
place("URLs not ignored", {"AWS_ENDPOINT_URL": "http://all.example", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "1"})
SERVICES = section("services s", "ecs =", "  endpoint_url = http://ecs.example:85", "cloudwatch_logs =", "  endpoint_url = http://logs.example")
place("a services section", config=section("default", "services = s") + SERVICES)
place("a services section, another service", config=section("default", "services = s", "endpoint_url = http://profile.example") + SERVICES, service="ec2")
place("a services section, two words", config=section("default", "services = s") + SERVICES, service="logs")
place("a services section of nowhere", config=section("default", "services = t") + SERVICES, make=refused)
place("a variable for all before a services section", {"AWS_ENDPOINT_URL": "http://all.example"}, section("default", "services = s") + SERVICES)
place("a URL of the profile", config=section("default", "endpoint_url = http://profile.example"))
place("a URL in the credentials file", shared=section("default", "endpoint_url = http://profile.example"))
place("a URL of the default profile only", {"AWS_PROFILE": "p"}, section("default", "endpoint_url = http://x.example") + section("profile p", "x = y"))
for label, env in {"FIPS": {"AWS_USE_FIPS_ENDPOINT": "true"}, "dual-stack": {"AWS_USE_DUALSTACK_ENDPOINT": "true"},
                   "both": {"AWS_USE_FIPS_ENDPOINT": "TRUE", "AWS_USE_DUALSTACK_ENDPOINT": "True"}, "FIPS by 1": {"AWS_USE_FIPS_ENDPOINT": "1"},
                   "an empty FIPS": {"AWS_USE_FIPS_ENDPOINT": ""}}.items():
    place(label, env)
    place(label + " for IAM", env, service="iam")
place("FIPS by the config file", config=section("default", "use_fips_endpoint = true"))
place("dual-stack by the config file", config=section("default", "use_dualstack_endpoint = true"))
place("FIPS undone by the environment", {"AWS_USE_FIPS_ENDPOINT": "false"}, section("default", "use_fips_endpoint = true"))
place("FIPS with a URL", {"AWS_USE_FIPS_ENDPOINT": "true", "AWS_ENDPOINT_URL": "http://all.example"})
place("dual-stack with a URL", {"AWS_USE_DUALSTACK_ENDPOINT": "true", "AWS_ENDPOINT_URL": "http://all.example"})
place("FIPS in the region's name", {"AWS_DEFAULT_REGION": "fips-us-east-1"})
place("FIPS behind the region's name", {"AWS_DEFAULT_REGION": "us-gov-west-1-fips"})
for value in ("legacy", "regional", ""):
    place(f"STS '{value}'", {"AWS_STS_REGIONAL_ENDPOINTS": value, "AWS_DEFAULT_REGION": "us-west-2"}, service="sts")
place("STS Legacy", {"AWS_STS_REGIONAL_ENDPOINTS": "Legacy"}, service="sts", make=refused)
place("STS nonsense", {"AWS_STS_REGIONAL_ENDPOINTS": "nonsense"}, service="sts", make=refused)
place("STS legacy by the config file", {"AWS_DEFAULT_REGION": "us-west-2"}, section("default", "sts_regional_endpoints = legacy"), service="sts")
place("STS legacy in a newer region", {"AWS_STS_REGIONAL_ENDPOINTS": "legacy", "AWS_DEFAULT_REGION": "af-south-1"}, service="sts")
place("the region aws-global", {"AWS_DEFAULT_REGION": "aws-global"}, service="sts")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    running = World(tmp_path_factory.mktemp("authority"))
    yield running
    running.shutdown()
    running.server_close()


@pytest.mark.parametrize("one", CASES, ids=lambda c: c.name)
def test_the_same(world, tmp_path, one):
    both = Both(world, tmp_path / "home")
    theirs, why_theirs = both.botocore(one)
    ours, why_ours = both.vastfs(one)
    assert ours == theirs, (why_ours, why_theirs)
    assert (theirs == "refused") == one.refused, (ours, why_ours, why_theirs)


def test_the_table_is_large():
    assert len(CASES) >= 230 and len({c.name for c in CASES}) == len(CASES)
