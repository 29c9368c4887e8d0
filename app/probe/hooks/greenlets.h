/* What gevent's hooks ask of those of greenlet. */
#ifndef SCHEDSCOPE_GREENLETS_H
#define SCHEDSCOPE_GREENLETS_H

#include "hooks.h"

extern PyTypeObject *greenlet_type;
struct lane *greenlet_open(PyObject *greenlet);
void greenlet_hubs(PyTypeObject *hub, PyObject *exit);

#endif
