/*
 * interrupt.h: SIGINT, SIGTERM and SIGHUP as something that can be polled, so that one place in a
 * program decides what an interruption ends, in which order.
 */
#ifndef SIM_INTERRUPT_H
#define SIM_INTERRUPT_H

/* Block the three signals in this thread and get a descriptor that can be read once one has come.
 * Call it before threads exist. Returns 0 or an errno value. */
int interrupt_open(int *fd);

/* The signal that has come, or 0. It stays pending: asking again gives the same. */
int interrupt_pending(void);

/* Give the three signals their default effect again: for children, before they exec or run. */
void interrupt_release(void);

/* For children that leave Ctrl-C and a closed terminal to their parent: ignore these, from this
 * moment on without a gap; SIGTERM has its default effect again. */
void interrupt_leave_to_parent(void);

#endif
