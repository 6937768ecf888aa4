/* tests/unit/net/fake_node.h
 *
 * A JSON-RPC node inside the test's own event loop, raw on bufferevents so that it can misbehave: late, half a body, a
 * dropped connection, any status. */
#ifndef GH_TEST_FAKE_NODE_H
#define GH_TEST_FAKE_NODE_H

#include <event2/event.h>
#include <jansson.h>
#include <stdbool.h>

struct fake_node;
struct fake_reply {
    int status;          /* 0: 200 */
    const char *headers; /* extra lines, each with \r\n */
    char *body;          /* malloc'ed; freed by the node */
    unsigned delay_ms;
    bool drop; /* close without a byte */
    bool hang; /* never answer */
    long cut;  /* > 0: announce the whole body, send this much, close */
};
/* One POST. `doc` is the parsed body (NULL when it is not JSON). */
typedef void fake_post_fn(void *arg, const json_t *doc, struct fake_reply *out);
/* One call of a well-behaved node: returns the result (new reference), or NULL with *error (new reference). */
typedef json_t *fake_call_fn(void *arg, const char *method, const json_t *params, json_t **error);

struct fake_node *fake_node_start(struct event_base *base, fake_post_fn *on_post, void *arg);
const char *fake_node_url(const struct fake_node *n);
unsigned fake_node_posts(const struct fake_node *n);
unsigned fake_node_conns(const struct fake_node *n); /* accepted so far */
void fake_node_stop(struct fake_node *n);

/* The body that answers doc, single or batch, by calling fn for every call. */
char *fake_answers(const json_t *doc, fake_call_fn *fn, void *arg);
json_t *fake_error(int code, const char *message, const char *data);

#endif
