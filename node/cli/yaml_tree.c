/* node/cli/yaml_tree.c */
#include "node/cli/yaml_tree.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "node/base/file.h"

#define MAX_FILE_LEN (1u << 20)
#define MAX_DEPTH    8u

struct reader {
    yaml_parser_t parser;
    const char *path;
    struct err *err;
};

static json_t *fault(struct reader *r, size_t line, const char *what)
{
    err_set(r->err, ERR_INVALID, "%s:%zu: %s", r->path, line + 1, what);
    return NULL;
}

static bool next(struct reader *r, yaml_event_t *ev)
{
    if (yaml_parser_parse(&r->parser, ev))
        return true;
    fault(r, r->parser.problem_mark.line, r->parser.problem ? r->parser.problem : "not YAML");
    return false;
}

static json_t *value(struct reader *r, yaml_event_t *ev, unsigned depth);

static json_t *mapping(struct reader *r, unsigned depth)
{
    json_t *map = json_object();
    for (;;) {
        yaml_event_t ev;
        if (!next(r, &ev))
            break;
        if (ev.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&ev);
            return map;
        }
        size_t line = ev.start_mark.line;
        char *key = ev.type == YAML_SCALAR_EVENT && ev.data.scalar.length > 0
                        ? strdup((const char *)ev.data.scalar.value)
                        : NULL;
        yaml_event_delete(&ev);
        if (!key || json_object_get(map, key)) {
            free(key);
            fault(r, line, key ? "a key is given twice" : "a key must be a text");
            break;
        }
        json_t *v = next(r, &ev) ? value(r, &ev, depth + 1) : NULL;
        bool ok = v && json_object_set_new(map, key, v) == 0;
        free(key);
        if (!ok)
            break;
    }
    json_decref(map);
    return NULL;
}

static json_t *sequence(struct reader *r, unsigned depth)
{
    json_t *list = json_array();
    for (;;) {
        yaml_event_t ev;
        if (!next(r, &ev))
            break;
        if (ev.type == YAML_SEQUENCE_END_EVENT) {
            yaml_event_delete(&ev);
            return list;
        }
        json_t *v = value(r, &ev, depth + 1);
        if (!v || json_array_append_new(list, v) != 0)
            break;
    }
    json_decref(list);
    return NULL;
}

/* Consumes ev. */
static json_t *value(struct reader *r, yaml_event_t *ev, unsigned depth)
{
    yaml_event_type_t type = ev->type;
    size_t line = ev->start_mark.line;
    json_t *text = NULL;
    if (type == YAML_SCALAR_EVENT)
        text = json_stringn((const char *)ev->data.scalar.value, ev->data.scalar.length);
    yaml_event_delete(ev);
    if (type == YAML_SCALAR_EVENT)
        return text ? text : fault(r, line, "a value that is not UTF-8");
    if (depth > MAX_DEPTH)
        return fault(r, line, "nested too deeply");
    if (type == YAML_MAPPING_START_EVENT)
        return mapping(r, depth);
    if (type == YAML_SEQUENCE_START_EVENT)
        return sequence(r, depth);
    return fault(r, line, "aliases are not supported");
}

/* The tree, when nothing but the end of the file follows. */
static json_t *only(struct reader *r, json_t *tree)
{
    yaml_event_t ev;
    while (next(r, &ev)) {
        yaml_event_type_t type = ev.type;
        size_t line = ev.start_mark.line;
        yaml_event_delete(&ev);
        if (type == YAML_STREAM_END_EVENT)
            return tree;
        if (type != YAML_DOCUMENT_END_EVENT) {
            fault(r, line, "a second document");
            break;
        }
    }
    json_decref(tree);
    return NULL;
}

static json_t *document(struct reader *r)
{
    yaml_event_t ev;
    while (next(r, &ev)) {
        yaml_event_type_t type = ev.type;
        size_t line = ev.start_mark.line;
        if (type == YAML_MAPPING_START_EVENT) {
            json_t *tree = value(r, &ev, 0);
            return tree ? only(r, tree) : NULL;
        }
        yaml_event_delete(&ev);
        if (type != YAML_STREAM_START_EVENT && type != YAML_DOCUMENT_START_EVENT)
            return fault(r, line, "the file must be a map of sections");
    }
    return NULL;
}

json_t *yaml_tree_load(const char *path, struct err *err)
{
    uint8_t *text = NULL;
    size_t len = 0;
    struct reader r = { .path = path, .err = err };
    if (!file_read(&text, &len, path, MAX_FILE_LEN, err))
        return NULL;
    json_t *tree = NULL;
    if (!yaml_parser_initialize(&r.parser)) {
        err_set(err, ERR_LOCAL, "out of memory");
    } else {
        yaml_parser_set_input_string(&r.parser, text, len);
        tree = document(&r);
        yaml_parser_delete(&r.parser);
    }
    explicit_bzero(text, len);
    free(text);
    return tree;
}
