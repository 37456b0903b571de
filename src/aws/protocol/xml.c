/* SPDX-License-Identifier: BSD-3-Clause */
#include "aws/protocol/xml.h"

#include "aws/protocol/xml_repair.h"

#include "base/buf.h"

#include <errno.h>
#include <expat.h>
#include <stdbool.h>
#include <string.h>

#define MOST_DEPTH    64
#define MOST_ELEMENTS 500000
#define MOST_NAMES    1000 /* different names in one element */
#define TEXT_MAX      ((size_t)16 << 20)

struct parser {
	XML_Parser expat;
	cJSON *open[MOST_DEPTH]; /* the open elements, from the root down; the tree owns them */
	int depth;
	int elements;
	struct buf text; /* text of the innermost element */
	int error;
};

static void xml_stop(struct parser *p, int errnum)
{
	if (!p->error)
		p->error = errnum;
	XML_StopParser(p->expat, XML_FALSE);
}

static bool xml_is_entry(const char *name)
{
	return strcmp(name, "member") == 0 || strcmp(name, "item") == 0;
}

/* Siblings of one name share an array. */
static bool xml_add_repeated(cJSON *parent, const char *name, cJSON *node)
{
	cJSON *first = cJSON_GetObjectItemCaseSensitive(parent, name), *list;

	if (!first)
		return cJSON_AddItemToObject(parent, name, node);
	if (cJSON_IsArray(first) && first->valueint == 1)
		return cJSON_AddItemToArray(first, node);
	list = cJSON_CreateArray();
	if (!list)
		return false;
	cJSON_DetachItemViaPointer(parent, first);
	cJSON_AddItemToArray(list, first);
	cJSON_AddItemToArray(list, node);
	list->valueint = 1; /* a mark: the entries of this array are siblings */
	if (cJSON_AddItemToObject(parent, name, list))
		return true;
	cJSON_DetachItemViaPointer(list, node);
	cJSON_Delete(list);
	return false;
}

/* A sibling with another name follows: the object gets the entries as one member. */
static bool xml_make_object(cJSON *list, const char *name)
{
	cJSON *entries = cJSON_CreateArray();

	if (!entries)
		return false;
	entries->child = list->child;
	entries->valueint = 1;
	list->child = NULL;
	list->type = cJSON_Object;
	if (cJSON_AddItemToObject(list, name, entries))
		return true;
	cJSON_Delete(entries);
	return false;
}

static bool xml_add_node(cJSON *parent, const char *name, cJSON *node)
{
	if (cJSON_IsNull(parent))
		parent->type = xml_is_entry(name) ? cJSON_Array : cJSON_Object;
	if (cJSON_IsArray(parent) && xml_is_entry(name))
		return cJSON_AddItemToArray(parent, node);
	if (cJSON_IsArray(parent) && !xml_make_object(parent, "item"))
		return false;
	return xml_add_repeated(parent, name, node);
}

static bool xml_has_too_many_names(const cJSON *parent)
{
	int n = 0;

	if (!cJSON_IsObject(parent))
		return false;
	for (const cJSON *c = parent->child; c && n <= MOST_NAMES; c = c->next)
		n++;
	return n > MOST_NAMES;
}

static void xml_on_start(void *arg, const XML_Char *name, const XML_Char **attributes)
{
	struct parser *p = arg;
	cJSON *parent = p->open[p->depth], *node;

	(void)attributes;
	if (p->error)
		return;
	if (p->depth + 1 >= MOST_DEPTH || ++p->elements > MOST_ELEMENTS || xml_has_too_many_names(parent)) {
		xml_stop(p, -EFBIG);
		return;
	}
	node = cJSON_CreateNull(); /* replaced when its content is known */
	if (!node || !xml_add_node(parent, name, node)) {
		cJSON_Delete(node);
		xml_stop(p, -ENOMEM);
		return;
	}
	p->open[++p->depth] = node;
	buf_clear(&p->text);
}

static void xml_on_text(void *arg, const XML_Char *text, int len)
{
	struct parser *p = arg;

	if (!p->error && buf_append(&p->text, text, (size_t)len) < 0)
		xml_stop(p, p->text.error);
}

static bool xml_is_list_name(const char *name)
{
	size_t len = strlen(name);

	if (len > 3 && strcmp(name + len - 3, "Set") == 0)
		return true;
	return len > 2 && name[len - 1] == 's' && !strchr("su", name[len - 2]);
}

static int xml_close_leaf(cJSON *node, const char *name, const struct buf *text)
{
	const char *s = buf_str(text);

	if (!s[strspn(s, " \t\r\n")] && xml_is_list_name(name)) {
		node->type = cJSON_Array;
		return 0;
	}
	node->valuestring = cJSON_malloc(strlen(s) + 1);
	if (!node->valuestring)
		return -ENOMEM;
	memcpy(node->valuestring, s, strlen(s) + 1);
	node->type = cJSON_String;
	return 0;
}

static void xml_on_end(void *arg, const XML_Char *name)
{
	struct parser *p = arg;
	cJSON *node = p->open[p->depth];

	if (p->error)
		return;
	if (cJSON_IsNull(node) && xml_close_leaf(node, name, &p->text) < 0)
		xml_stop(p, -ENOMEM);
	p->depth--;
	buf_clear(&p->text);
}

static void xml_on_doctype(void *arg, const XML_Char *name, const XML_Char *system, const XML_Char *public,
			   int internal)
{
	(void)name;
	(void)system;
	(void)public;
	(void)internal;
	xml_stop(arg, -EBADMSG);
}

static int xml_run(struct parser *p, const char *text, size_t len)
{
	XML_SetUserData(p->expat, p);
	XML_SetElementHandler(p->expat, xml_on_start, xml_on_end);
	XML_SetCharacterDataHandler(p->expat, xml_on_text);
	XML_SetStartDoctypeDeclHandler(p->expat, xml_on_doctype);
	if (len > TEXT_MAX)
		return -EFBIG;
	if (XML_Parse(p->expat, text, (int)len, XML_TRUE) == XML_STATUS_OK)
		return p->error;
	if (p->error)
		return p->error;
	return XML_GetErrorCode(p->expat) == XML_ERROR_NO_MEMORY ? -ENOMEM : -EBADMSG;
}

static int xml_parse_once(const char *text, size_t len, cJSON **ret)
{
	struct parser p = {.expat = XML_ParserCreate(NULL), .open = {cJSON_CreateObject()}};
	int e = -ENOMEM;

	buf_init(&p.text, TEXT_MAX);
	if (p.expat && p.open[0])
		e = xml_run(&p, text, len);
	if (p.expat)
		XML_ParserFree(p.expat);
	buf_free(&p.text);
	if (e < 0) {
		cJSON_Delete(p.open[0]);
		return e;
	}
	*ret = p.open[0];
	return 0;
}

int aws_xml_parse(const char *text, size_t len, cJSON **ret)
{
	_buf_ struct buf repaired = BUF_INIT(TEXT_MAX);
	int e = xml_parse_once(text, len, ret), r;

	if (e != -EBADMSG)
		return e;
	r = aws_xml_repair(text, len, &repaired);
	if (r > 0)
		return xml_parse_once(repaired.data, repaired.len, ret);
	return r < 0 ? r : e;
}
