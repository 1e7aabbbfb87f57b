/* test_stories.c: the rules of DESIGN.md, each told as a story in virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "world.h"

static void the_first_to_come_is_the_first_to_enter(void **state)
{
	(void)state;
	world_story("0 a,b,c HELLO\n"
	            "10 a ENTER m\n"
	            "11 b ENTER m\n"
	            "12 c ENTER m\n"
	            "20 a EXIT m\n"
	            "30 b EXIT m\n",
	            "[    2] a welcome\n"
	            "[    2] b welcome\n"
	            "[    2] c welcome\n"
	            "[   12] a granted m #1\n"
	            "[   22] b granted m #2\n"
	            "[   22] a success m next=b\n"
	            "[   32] c granted m #3\n"
	            "[   32] b success m next=c\n");
}

static void who_polls_is_answered_at_once(void **state)
{
	(void)state;
	world_story("0 ~a ENTER m\n"
	            "1 ~b ENTER m\n"
	            "5 ~b CHECK_GRANT m\n"
	            "10 ~a EXIT m\n"
	            "15 ~b CHECK_GRANT m\n"
	            "20 ~b CHECK_GRANT m\n",
	            "[    2] ~a granted m #1\n"
	            "[    3] ~b queued m\n"
	            "[    7] ~b queued m\n"
	            "[   12] ~a success m next=~b\n"
	            "[   17] ~b granted m #2\n"
	            "[   22] ~b granted m #2\n");
}

static void entering_again_while_in_line_keeps_the_place(void **state)
{
	(void)state;
	world_story("0 ~a,~b,~c ENTER m\n"
	            "5 ~b ENTER m\n"
	            "10 ~a EXIT m\n"
	            "15 ~b CHECK_GRANT m\n",
	            "[    2] ~a granted m #1\n"
	            "[    2] ~b queued m\n"
	            "[    2] ~c queued m\n"
	            "[    7] ~b queued m\n"
	            "[   12] ~a success m next=~b\n"
	            "[   17] ~b granted m #2\n");
}

static void a_wait_releases_and_enqueues_in_one_step(void **state)
{
	(void)state;
	world_story("0 a,b HELLO\n"
	            "10 a ENTER m\n"
	            "11 b ENTER m\n"
	            "20 a WAIT m c\n"
	            "30 b EXIT m signal=c\n",
	            "[    2] a welcome\n"
	            "[    2] b welcome\n"
	            "[   12] a granted m #1\n"
	            "[   22] b granted m #2\n"
	            "[   32] a granted_after_wait m c #3\n"
	            "[   32] b success m next=a woken=1\n");
}

static void the_signaller_goes_on_owning_the_monitor(void **state)
{
	(void)state;
	world_story("0 a,b HELLO\n"
	            "10 a ENTER m\n"
	            "15 a WAIT m c\n"
	            "20 b ENTER m\n"
	            "25 b SIGNAL m c\n"
	            "30 b SIGNAL m c\n"
	            "40 b EXIT m\n",
	            "[    2] a welcome\n"
	            "[    2] b welcome\n"
	            "[   12] a granted m #1\n"
	            "[   22] b granted m #2\n"
	            "[   27] b success m c woken=1\n"
	            "[   32] b success m c woken=0\n"
	            "[   42] a granted_after_wait m c #3\n"
	            "[   42] b success m next=a\n");
}

static void an_awakened_waiter_stands_before_later_comers(void **state)
{
	(void)state;
	world_story("0 a,b,c,d HELLO\n"
	            "10 a ENTER m\n"
	            "20 a WAIT m c\n"
	            "30 b ENTER m\n"
	            "31 c ENTER m\n"
	            "32 d ENTER m\n"
	            "40 b EXIT m signal=c\n"
	            "50 a EXIT m\n",
	            "[    2] a welcome\n"
	            "[    2] b welcome\n"
	            "[    2] c welcome\n"
	            "[    2] d welcome\n"
	            "[   12] a granted m #1\n"
	            "[   32] b granted m #2\n"
	            "[   42] a granted_after_wait m c #3\n"
	            "[   42] b success m next=a woken=1\n"
	            "[   52] c granted m #4\n"
	            "[   52] a success m next=c\n");
}

static void an_awakened_waiter_stands_behind_earlier_comers(void **state)
{
	(void)state;
	world_story("0 a,b,c HELLO\n"
	            "10 a ENTER m\n"
	            "11 b ENTER m\n"
	            "12 c ENTER m\n"
	            "20 a WAIT m c\n"
	            "30 b EXIT m signal=c\n"
	            "40 c EXIT m\n",
	            "[    2] a welcome\n"
	            "[    2] b welcome\n"
	            "[    2] c welcome\n"
	            "[   12] a granted m #1\n"
	            "[   22] b granted m #2\n"
	            "[   32] c granted m #3\n"
	            "[   32] b success m next=c woken=1\n"
	            "[   42] a granted_after_wait m c #4\n"
	            "[   42] c success m next=a\n");
}

static void a_broadcast_awakens_all_who_wait_and_nobody_later(void **state)
{
	(void)state;
	world_story("0 a,b,c,d HELLO\n"
	            "10 a ENTER m\n"
	            "12 a WAIT m c\n"
	            "14 b ENTER m\n"
	            "16 b WAIT m c\n"
	            "20 c ENTER m\n"
	            "22 c BROADCAST m c\n"
	            "24 c WAIT m c\n"
	            "30 a EXIT m\n"
	            "40 b EXIT m\n",
	            "[    2] a welcome\n"
	            "[    2] b welcome\n"
	            "[    2] c welcome\n"
	            "[    2] d welcome\n"
	            "[   12] a granted m #1\n"
	            "[   16] b granted m #2\n"
	            "[   22] c granted m #3\n"
	            "[   24] c success m c woken=2\n"
	            "[   26] a granted_after_wait m c #4\n"
	            "[   32] b granted_after_wait m c #5\n"
	            "[   32] a success m next=b\n"
	            "[   42] b success m next=-\n");
}

static void a_signal_awakens_who_has_waited_longest(void **state)
{
	(void)state;
	world_story("0 a,b,c HELLO\n"
	            "10 a ENTER m\n"
	            "12 a WAIT m c\n"
	            "14 b ENTER m\n"
	            "16 b WAIT m c\n"
	            "20 c ENTER m\n"
	            "30 c SIGNAL m c\n"
	            "40 c EXIT m\n"
	            "50 a EXIT m signal=c\n",
	            "[    2] a welcome\n"
	            "[    2] b welcome\n"
	            "[    2] c welcome\n"
	            "[   12] a granted m #1\n"
	            "[   16] b granted m #2\n"
	            "[   22] c granted m #3\n"
	            "[   32] c success m c woken=1\n"
	            "[   42] a granted_after_wait m c #4\n"
	            "[   42] c success m next=a\n"
	            "[   52] b granted_after_wait m c #5\n"
	            "[   52] a success m next=b woken=1\n");
}

static void signals_are_not_stored(void **state)
{
	(void)state;
	world_story("0 a,b HELLO\n"
	            "10 a ENTER m\n"
	            "15 a SIGNAL m c\n"
	            "20 a WAIT m c\n"
	            "30 b ENTER m\n"
	            "40 b EXIT m\n",
	            "[    2] a welcome\n"
	            "[    2] b welcome\n"
	            "[   12] a granted m #1\n"
	            "[   17] a success m c woken=0\n"
	            "[   32] b granted m #2\n"
	            "[   42] b success m next=-\n");
}

static void a_name_twice_awakens_two(void **state)
{
	(void)state;
	world_story("0 a,b,d HELLO\n"
	            "10 a ENTER m\n"
	            "12 a WAIT m c\n"
	            "14 b ENTER m\n"
	            "16 b WAIT m c\n"
	            "20 d ENTER m\n"
	            "22 d EXIT m signal=c,c\n"
	            "30 a EXIT m\n",
	            "[    2] a welcome\n"
	            "[    2] b welcome\n"
	            "[    2] d welcome\n"
	            "[   12] a granted m #1\n"
	            "[   16] b granted m #2\n"
	            "[   22] d granted m #3\n"
	            "[   24] a granted_after_wait m c #4\n"
	            "[   24] d success m next=a woken=2\n"
	            "[   32] b granted_after_wait m c #5\n"
	            "[   32] a success m next=b\n");
}

static void a_wait_may_signal_its_own_condition_first(void **state)
{
	(void)state;
	world_story("0 a,b HELLO\n"
	            "10 a ENTER m\n"
	            "12 a WAIT m c\n"
	            "20 b ENTER m\n"
	            "22 b WAIT m c signal=c\n"
	            "30 a EXIT m\n",
	            "[    2] a welcome\n"
	            "[    2] b welcome\n"
	            "[   12] a granted m #1\n"
	            "[   22] b granted m #2\n"
	            "[   24] a granted_after_wait m c #3\n"
	            "[   32] a success m next=-\n");
}

static void conditions_are_apart(void **state)
{
	(void)state;
	world_story("0 a,b,d HELLO\n"
	            "10 a ENTER m\n"
	            "12 a WAIT m c1\n"
	            "14 b ENTER m\n"
	            "16 b WAIT m c2\n"
	            "20 d ENTER m\n"
	            "22 d SIGNAL m c2\n"
	            "24 d EXIT m\n",
	            "[    2] a welcome\n"
	            "[    2] b welcome\n"
	            "[    2] d welcome\n"
	            "[   12] a granted m #1\n"
	            "[   16] b granted m #2\n"
	            "[   22] d granted m #3\n"
	            "[   24] d success m c2 woken=1\n"
	            "[   26] b granted_after_wait m c2 #4\n"
	            "[   26] d success m next=b\n");
}

static void monitors_are_apart(void **state)
{
	(void)state;
	world_story("0 a,b HELLO\n"
	            "10 a ENTER m1\n"
	            "10 b ENTER m2\n"
	            "20 a WAIT m1 c\n"
	            "30 b SIGNAL m2 c\n"
	            "40 b EXIT m2\n",
	            "[    2] a welcome\n"
	            "[    2] b welcome\n"
	            "[   12] a granted m1 #1\n"
	            "[   12] b granted m2 #2\n"
	            "[   32] b success m2 c woken=0\n"
	            "[   42] b success m2 next=-\n");
}

static void an_enter_that_runs_out_leaves_the_line(void **state)
{
	(void)state;
	world_story("0 a,b,c HELLO\n"
	            "10 a ENTER m\n"
	            "20 b ENTER m timeout=50\n"
	            "25 c ENTER m\n"
	            "100 a EXIT m\n",
	            "[    2] a welcome\n"
	            "[    2] b welcome\n"
	            "[    2] c welcome\n"
	            "[   12] a granted m #1\n"
	            "[   72] b timeout m\n"
	            "[  102] c granted m #2\n"
	            "[  102] a success m next=c\n");
}

static void a_try_does_not_queue(void **state)
{
	(void)state;
	world_story("0 a,b HELLO\n"
	            "10 a ENTER m timeout=0\n"
	            "20 b ENTER m timeout=0\n"
	            "30 a EXIT m\n"
	            "40 ~p ENTER m timeout=0\n"
	            "50 ~q ENTER m timeout=0\n"
	            "60 ~q CHECK_GRANT m\n",
	            "[    2] a welcome\n"
	            "[    2] b welcome\n"
	            "[   12] a granted m #1\n"
	            "[   22] b timeout m\n"
	            "[   32] a success m next=-\n"
	            "[   42] ~p granted m #2\n"
	            "[   52] ~q timeout m\n"
	            "[   62] ~q timeout m\n");
}

static void a_wait_that_runs_out_holds_the_lock_again(void **state)
{
	(void)state;
	world_story("0 a,b HELLO\n"
	            "10 a ENTER m\n"
	            "20 a WAIT m c timeout=30\n"
	            "25 b ENTER m\n"
	            "90 b EXIT m\n",
	            "[    2] a welcome\n"
	            "[    2] b welcome\n"
	            "[   12] a granted m #1\n"
	            "[   27] b granted m #2\n"
	            "[   92] a granted_after_wait m c #3 timed_out\n"
	            "[   92] b success m next=a\n");
}

static void a_wait_with_no_time_lets_others_in(void **state)
{
	(void)state;
	world_story("0 a,b HELLO\n"
	            "10 a ENTER m\n"
	            "15 b ENTER m\n"
	            "20 a WAIT m c timeout=0\n"
	            "30 b EXIT m\n"
	            "40 a WAIT m c timeout=0\n",
	            "[    2] a welcome\n"
	            "[    2] b welcome\n"
	            "[   12] a granted m #1\n"
	            "[   22] b granted m #2\n"
	            "[   32] a granted_after_wait m c #3 timed_out\n"
	            "[   32] b success m next=a\n"
	            "[   42] a granted_after_wait m c #4 timed_out\n");
}

static void who_was_signalled_in_time_has_not_timed_out(void **state)
{
	(void)state;
	world_story("0 a,b HELLO\n"
	            "10 a ENTER m\n"
	            "20 a WAIT m c timeout=30\n"
	            "30 b ENTER m\n"
	            "40 b SIGNAL m c\n"
	            "100 b EXIT m\n",
	            "[    2] a welcome\n"
	            "[    2] b welcome\n"
	            "[   12] a granted m #1\n"
	            "[   32] b granted m #2\n"
	            "[   42] b success m c woken=1\n"
	            "[  102] a granted_after_wait m c #3\n"
	            "[  102] b success m next=a\n");
}

static void a_timed_out_waiter_takes_no_signal(void **state)
{
	(void)state;
	world_story("0 a,b,d HELLO\n"
	            "10 a ENTER m\n"
	            "20 a WAIT m c timeout=30\n"
	            "25 b ENTER m\n"
	            "26 b WAIT m c\n"
	            "30 d ENTER m\n"
	            "100 d EXIT m signal=c\n"
	            "110 a EXIT m\n",
	            "[    2] a welcome\n"
	            "[    2] b welcome\n"
	            "[    2] d welcome\n"
	            "[   12] a granted m #1\n"
	            "[   27] b granted m #2\n"
	            "[   32] d granted m #3\n"
	            "[  102] a granted_after_wait m c #4 timed_out\n"
	            "[  102] d success m next=a woken=1\n"
	            "[  112] b granted_after_wait m c #5\n"
	            "[  112] a success m next=b\n");
}

static void a_cancelled_enter_leaves_the_line(void **state)
{
	(void)state;
	world_story("0 a,b,c HELLO\n"
	            "10 a ENTER m\n"
	            "11 b ENTER m\n"
	            "12 c ENTER m\n"
	            "20 b CANCEL\n"
	            "30 a EXIT m\n"
	            "40 c CANCEL\n",
	            "[    2] a welcome\n"
	            "[    2] b welcome\n"
	            "[    2] c welcome\n"
	            "[   12] a granted m #1\n"
	            "[   22] b cancelled\n"
	            "[   22] b cancelled m\n"
	            "[   32] c granted m #2\n"
	            "[   32] a success m next=c\n"
	            "[   42] c too_late\n");
}

static void a_cancelled_wait_holds_the_lock_again(void **state)
{
	(void)state;
	world_story("0 a,b HELLO\n"
	            "10 a ENTER m\n"
	            "20 a WAIT m c\n"
	            "30 b ENTER m\n"
	            "40 a CANCEL\n"
	            "45 a CANCEL\n"
	            "50 b EXIT m\n",
	            "[    2] a welcome\n"
	            "[    2] b welcome\n"
	            "[   12] a granted m #1\n"
	            "[   32] b granted m #2\n"
	            "[   42] a cancelled\n"
	            "[   47] a too_late\n"
	            "[   52] a granted_after_wait m c #3 cancelled\n"
	            "[   52] b success m next=a\n");
}

static void who_polls_may_cancel_too(void **state)
{
	(void)state;
	world_story("0 ~a,~b ENTER m\n"
	            "10 ~b CANCEL m\n"
	            "15 ~b CHECK_GRANT m\n"
	            "20 ~a WAIT m c\n"
	            "25 ~a CANCEL m\n"
	            "30 ~a CHECK_AWAKENED m c\n"
	            "35 ~a CANCEL m\n"
	            "40 ~b CANCEL m2\n",
	            "[    2] ~a granted m #1\n"
	            "[    2] ~b queued m\n"
	            "[   12] ~b cancelled m\n"
	            "[   17] ~b cancelled m\n"
	            "[   22] ~a waiting_on_condition m c\n"
	            "[   27] ~a cancelled m\n"
	            "[   32] ~a granted_after_wait m c #2 cancelled\n"
	            "[   37] ~a too_late m\n"
	            "[   42] ~b not_waiting m2\n");
}

static void a_request_repeated_is_done_once(void **state)
{
	(void)state;
	world_story("0 a,b HELLO\n"
	            "10 a ENTER m\n"
	            "15 a REPEAT\n"
	            "20 a EXIT m\n"
	            "25 a REPEAT\n"
	            "30 b ENTER m\n",
	            "[    2] a welcome\n"
	            "[    2] b welcome\n"
	            "[   12] a granted m #1\n"
	            "[   17] a granted m #1\n"
	            "[   22] a success m next=-\n"
	            "[   27] a success m next=-\n"
	            "[   32] b granted m #2\n");
}

static void a_request_older_than_the_last_is_ignored(void **state)
{
	(void)state;
	world_story("0 a,b HELLO\n"
	            "10 a ENTER m\n"
	            "20 a EXIT m\n"
	            "30 a OLDER\n"
	            "40 b ENTER m timeout=0\n"
	            "50 a REPEAT\n",
	            "[    2] a welcome\n"
	            "[    2] b welcome\n"
	            "[   12] a granted m #1\n"
	            "[   22] a success m next=-\n"
	            "[   42] b granted m #2\n"
	            "[   52] a success m next=-\n");
}

static void a_pending_request_repeated_is_answered_once(void **state)
{
	(void)state;
	world_story("0 a,b HELLO\n"
	            "10 a ENTER m\n"
	            "15 b ENTER m timeout=100\n"
	            "20 b REPEAT\n"
	            "30 a EXIT m\n",
	            "[    2] a welcome\n"
	            "[    2] b welcome\n"
	            "[   12] a granted m #1\n"
	            "[   32] b granted m #2\n"
	            "[   32] a success m next=b\n");
}

static void a_refused_quiet_exit_is_told_twice(void **state)
{
	(void)state;
	world_story("0 a HELLO\n"
	            "10 a EXIT m quiet\n"
	            "20 a ENTER m\n"
	            "30 a EXIT m quiet\n"
	            "40 a ENTER m\n",
	            "[    2] a welcome\n"
	            "[   12] a not_owner m\n"
	            "[   22] a granted m #1 failed=not_owner\n"
	            "[   42] a granted m #2\n");
}

static void a_closed_connection_frees_what_its_clients_held(void **state)
{
	(void)state;
	world_story("0 a,b HELLO\n"
	            "10 a ENTER m\n"
	            "20 b ENTER m\n"
	            "30 a CLOSE\n"
	            "200 b EXIT m\n"
	            "210 b ENTER m\n"
	            "220 ~p ENTER n\n"
	            "230 ~q ENTER n\n"
	            "240 ~p CLOSE\n"
	            "400 ~q CHECK_GRANT n\n",
	            "[    2] a welcome\n"
	            "[    2] b welcome\n"
	            "[   12] a granted m #1\n"
	            "[   82] b granted m #2 abandoned\n"
	            "[  202] b success m next=-\n"
	            "[  212] b granted m #3\n"
	            "[  222] ~p granted n #4\n"
	            "[  232] ~q queued n\n"
	            "[  402] ~q granted n #5 abandoned\n");
}

static void the_dead_leave_line_and_conditions(void **state)
{
	(void)state;
	world_story("0 a,b,c,d,e HELLO\n"
	            "10 a ENTER m\n"
	            "11 a WAIT m c\n"
	            "13 b ENTER m\n"
	            "15 b WAIT m c\n"
	            "20 c ENTER m\n"
	            "21 d ENTER m\n"
	            "22 e ENTER m\n"
	            "30 a CLOSE\n"
	            "31 d CLOSE\n"
	            "100 c EXIT m signal=c\n"
	            "110 b EXIT m\n",
	            "[    2] a welcome\n"
	            "[    2] b welcome\n"
	            "[    2] c welcome\n"
	            "[    2] d welcome\n"
	            "[    2] e welcome\n"
	            "[   12] a granted m #1\n"
	            "[   15] b granted m #2\n"
	            "[   22] c granted m #3\n"
	            "[  102] b granted_after_wait m c #4\n"
	            "[  102] c success m next=b woken=1\n"
	            "[  112] e granted m #5\n"
	            "[  112] b success m next=e\n");
}

static void a_signal_to_the_dead_goes_to_the_next(void **state)
{
	(void)state;
	world_story("0 a,b,c HELLO\n"
	            "10 a ENTER m\n"
	            "11 a WAIT m c\n"
	            "13 b ENTER m\n"
	            "15 b WAIT m c\n"
	            "20 c ENTER m\n"
	            "25 c SIGNAL m c\n"
	            "30 a CLOSE\n"
	            "100 c EXIT m\n",
	            "[    2] a welcome\n"
	            "[    2] b welcome\n"
	            "[    2] c welcome\n"
	            "[   12] a granted m #1\n"
	            "[   15] b granted m #2\n"
	            "[   22] c granted m #3\n"
	            "[   27] c success m c woken=1\n"
	            "[  102] b granted_after_wait m c #4\n"
	            "[  102] c success m next=b\n");
}

static void a_broadcast_to_the_dead_is_not_passed_on(void **state)
{
	(void)state;
	world_story("0 a,b,e HELLO\n"
	            "10 a ENTER m\n"
	            "11 b ENTER m\n"
	            "12 e ENTER m\n"
	            "20 a WAIT m c\n"
	            "25 b BROADCAST m c\n"
	            "26 b WAIT m c\n"
	            "30 a CLOSE\n"
	            "100 e EXIT m\n",
	            "[    2] a welcome\n"
	            "[    2] b welcome\n"
	            "[    2] e welcome\n"
	            "[   12] a granted m #1\n"
	            "[   22] b granted m #2\n"
	            "[   27] b success m c woken=1\n"
	            "[   28] e granted m #3\n"
	            "[  102] e success m next=-\n");
}

/* A connection that was given up before it was welcomed, and whose HELLO arrives after that of the
 * next one, does not take the session into its end. */
static void a_hello_that_was_overtaken_changes_nothing(void **state)
{
	(void)state;
	world_story("0 a,b HELLO\n"
	            "10 a ENTER m\n"
	            "20 a OPEN\n"
	            "30 a HELLO session=01010101010101010101010101010101 attempt=3\n"
	            "40 a OPEN\n"
	            "50 a HELLO session=01010101010101010101010101010101 attempt=2\n"
	            "60 a CLOSE\n"
	            "70 b ENTER m timeout=1000\n"
	            "1100 b ENTER n\n",
	            "[    2] a welcome\n"
	            "[    2] b welcome\n"
	            "[   12] a granted m #1\n"
	            "[   32] a welcome resumed last=1\n"
	            "[   52] a id_in_use\n"
	            "[ 1072] b timeout m\n"
	            "[ 1102] b granted n #2\n");
}

static void an_abandoned_monitor_awakens_all_and_says_so(void **state)
{
	(void)state;
	world_story("0 a,b,c,d HELLO\n"
	            "10 a ENTER m\n"
	            "11 a WAIT m c1\n"
	            "13 b ENTER m\n"
	            "15 b WAIT m c2\n"
	            "20 c ENTER m\n"
	            "30 c CLOSE\n"
	            "100 a EXIT m\n"
	            "110 b EXIT m\n"
	            "120 d ENTER m\n",
	            "[    2] a welcome\n"
	            "[    2] b welcome\n"
	            "[    2] c welcome\n"
	            "[    2] d welcome\n"
	            "[   12] a granted m #1\n"
	            "[   15] b granted m #2\n"
	            "[   22] c granted m #3\n"
	            "[   82] a granted_after_wait m c1 #4 abandoned\n"
	            "[  102] b granted_after_wait m c2 #5\n"
	            "[  102] a success m next=b\n"
	            "[  112] b success m next=-\n"
	            "[  122] d granted m #6\n");
}

/* Who does not see to it passes it on; it cannot be made up. */
static void an_abandonment_is_passed_on_by_who_does_not_see_to_it(void **state)
{
	(void)state;
	world_story("0 a,b,c HELLO\n"
	            "10 a ENTER m\n"
	            "20 a CLOSE\n"
	            "100 b ENTER m\n"
	            "110 c ENTER m\n"
	            "120 b EXIT m abandoned quiet\n"
	            "130 c EXIT m abandoned\n"
	            "140 ~p ENTER m\n"
	            "150 ~p EXIT m\n"
	            "160 ~p ENTER m\n"
	            "170 ~p EXIT m abandoned\n"
	            "180 ~p ENTER m\n",
	            "[    2] a welcome\n"
	            "[    2] b welcome\n"
	            "[    2] c welcome\n"
	            "[   12] a granted m #1\n"
	            "[  102] b granted m #2 abandoned\n"
	            "[  122] c granted m #3 abandoned\n"
	            "[  132] c success m next=-\n"
	            "[  142] ~p granted m #4 abandoned\n"
	            "[  152] ~p success m next=-\n"
	            "[  162] ~p granted m #5\n"
	            "[  172] ~p success m next=-\n"
	            "[  182] ~p granted m #6\n");
}

static void an_abandonment_is_owed_until_somebody_comes(void **state)
{
	(void)state;
	world_story("0 a HELLO\n"
	            "10 a ENTER m\n"
	            "20 a CLOSE\n"
	            "200 ~p ENTER m\n"
	            "210 ~p CHECK_GRANT m\n"
	            "220 ~p EXIT m\n"
	            "230 ~p ENTER m\n",
	            "[    2] a welcome\n"
	            "[   12] a granted m #1\n"
	            "[  202] ~p granted m #2 abandoned\n"
	            "[  212] ~p granted m #2 abandoned\n"
	            "[  222] ~p success m next=-\n"
	            "[  232] ~p granted m #3\n");
}

static void a_goodbye_releases_without_abandoning(void **state)
{
	(void)state;
	world_story("0 a,b,c HELLO\n"
	            "10 a ENTER m\n"
	            "11 a WAIT m c\n"
	            "20 b ENTER m\n"
	            "25 c ENTER m\n"
	            "30 b BYE\n"
	            "40 a EXIT m\n"
	            "50 b ENTER m\n",
	            "[    2] a welcome\n"
	            "[    2] b welcome\n"
	            "[    2] c welcome\n"
	            "[   12] a granted m #1\n"
	            "[   22] b granted m #2\n"
	            "[   32] b bye\n"
	            "[   32] a granted_after_wait m c #3\n"
	            "[   42] c granted m #4\n"
	            "[   42] a success m next=c\n"
	            "[   52] b session_lost m\n");
}

static void who_comes_back_in_time_keeps_everything(void **state)
{
	(void)state;
	world_story("0 a,b HELLO\n"
	            "10 a ENTER m\n"
	            "20 b ENTER m\n"
	            "30 a CLOSE\n"
	            "40 a RESUME\n"
	            "100 a CHECK m\n"
	            "110 a EXIT m\n",
	            "[    2] a welcome\n"
	            "[    2] b welcome\n"
	            "[   12] a granted m #1\n"
	            "[   42] a welcome resumed last=1\n"
	            "[  102] a owner m\n"
	            "[  112] b granted m #2\n"
	            "[  112] a success m next=b\n");
}

static void who_comes_back_too_late_has_lost_everything(void **state)
{
	(void)state;
	world_story("0 a,b HELLO\n"
	            "10 a ENTER m\n"
	            "20 b ENTER m\n"
	            "30 a CLOSE\n"
	            "200 a RESUME\n"
	            "210 a EXIT m\n",
	            "[    2] a welcome\n"
	            "[    2] b welcome\n"
	            "[   12] a granted m #1\n"
	            "[   82] b granted m #2 abandoned\n"
	            "[  202] a session_lost\n"
	            "[  212] a session_lost m\n");
}

static void a_grant_while_away_is_told_on_return(void **state)
{
	(void)state;
	world_story("0 a,b HELLO\n"
	            "10 a ENTER m\n"
	            "20 b ENTER m\n"
	            "30 b CLOSE\n"
	            "35 a EXIT m\n"
	            "50 b OPEN\n"
	            "51 b REPEAT\n"
	            "55 b RESUME\n"
	            "60 b REPEAT\n",
	            "[    2] a welcome\n"
	            "[    2] b welcome\n"
	            "[   12] a granted m #1\n"
	            "[   37] a success m next=b\n"
	            "[   53] b session_lost m\n"
	            "[   57] b welcome resumed last=1\n"
	            "[   62] b granted m #2\n");
}

static void the_secret_takes_a_session_over(void **state)
{
	(void)state;
	world_story("0 a HELLO\n"
	            "10 a ENTER m\n"
	            "20 a RESUME\n"
	            "30 a EXIT m\n",
	            "[    2] a welcome\n"
	            "[   12] a granted m #1\n"
	            "[   22] a welcome resumed last=1\n"
	            "[   32] a success m next=-\n");
}

/* Secrets in these stories are the number of the connection on which they were given. */
static void resuming_on_the_same_connection_renews_the_lease(void **state)
{
	(void)state;
	world_story("0 a HELLO lease=300\n"
	            "1 b HELLO\n"
	            "10 a ENTER m\n"
	            "20 b ENTER m\n"
	            "30 a MUTE\n"
	            "200 a HELLO session=01010101010101010101010101010101\n",
	            "[    2] a welcome\n"
	            "[    3] b welcome\n"
	            "[   12] a granted m #1\n"
	            "[  202] a welcome resumed last=1\n"
	            "[  502] b granted m #2 abandoned\n");
}

static void a_secret_is_worth_nothing_under_another_id(void **state)
{
	(void)state;
	world_story("0 a,b HELLO\n"
	            "10 a ENTER m\n"
	            "20 b HELLO session=01010101010101010101010101010101\n"
	            "30 a HELLO session=02020202020202020202020202020202\n"
	            "40 a HELLO session=03030303030303030303030303030303\n"
	            "50 a EXIT m\n",
	            "[    2] a welcome\n"
	            "[    2] b welcome\n"
	            "[   12] a granted m #1\n"
	            "[   22] b session_lost\n"
	            "[   32] a session_lost\n"
	            "[   42] a session_lost\n"
	            "[   52] a success m next=-\n");
}

static void a_session_s_request_under_another_id_has_no_effect(void **state)
{
	(void)state;
	world_story("0 a,b HELLO\n"
	            "10 a ENTER m\n"
	            "20 a EXIT m as=b\n"
	            "30 a CHECK m as=a\n",
	            "[    2] a welcome\n"
	            "[    2] b welcome\n"
	            "[   12] a granted m #1\n"
	            "[   22] a session_lost m\n"
	            "[   32] a owner m\n");
}

static void a_silent_session_ends_with_its_lease(void **state)
{
	(void)state;
	world_story("0 a HELLO lease=300\n"
	            "1 b HELLO\n"
	            "10 a ENTER m\n"
	            "20 b ENTER m\n"
	            "30 a MUTE\n"
	            "500 a EXIT m\n",
	            "[    2] a welcome\n"
	            "[    3] b welcome\n"
	            "[   12] a granted m #1\n"
	            "[  312] b granted m #2 abandoned\n"
	            "[  502] a session_lost m\n");
}

static void a_lease_is_brought_into_its_bounds(void **state)
{
	(void)state;
	world_story("0 a HELLO lease=1\n"
	            "1 b HELLO lease=9000000000\n"
	            "10 a ENTER m\n"
	            "11 b ENTER m\n"
	            "12 c HELLO\n"
	            "13 c ENTER m\n"
	            "20 a MUTE\n"
	            "21 b MUTE\n"
	            "3700000 c EXIT m\n",
	            "[    2] a welcome\n"
	            "[    3] b welcome\n"
	            "[   12] a granted m #1\n"
	            "[   14] c welcome\n"
	            "[  212] b granted m #2 abandoned\n"
	            "[3600013] c granted m #3 abandoned\n"
	            "[3700002] c success m next=-\n");
}

static void beats_keep_a_session(void **state)
{
	(void)state;
	world_story("0 a HELLO lease=300\n"
	            "1 b HELLO\n"
	            "10 a ENTER m\n"
	            "20 b ENTER m\n"
	            "2000 a EXIT m\n",
	            "[    2] a welcome\n"
	            "[    3] b welcome\n"
	            "[   12] a granted m #1\n"
	            "[ 2002] b granted m #2\n"
	            "[ 2002] a success m next=b\n");
}

static void nobody_pays_for_the_server_standing_still(void **state)
{
	(void)state;
	world_story("0 a HELLO lease=300\n"
	            "1 b HELLO\n"
	            "10 a ENTER m\n"
	            "20 b ENTER m\n"
	            "30 a MUTE\n"
	            "40 - STALL 2000\n"
	            "2100 a CHECK m\n"
	            "2110 a EXIT m\n",
	            "[    2] a welcome\n"
	            "[    3] b welcome\n"
	            "[   12] a granted m #1\n"
	            "[ 2102] a owner m\n"
	            "[ 2112] b granted m #2\n"
	            "[ 2112] a success m next=b\n");
}

static void a_probation_begins_anew_when_the_server_stood_still(void **state)
{
	(void)state;
	world_story("0 a,b HELLO\n"
	            "10 a ENTER m\n"
	            "20 b ENTER m\n"
	            "30 a CLOSE\n"
	            "40 - STALL 2000\n"
	            "2080 a RESUME\n"
	            "2100 a EXIT m\n",
	            "[    2] a welcome\n"
	            "[    2] b welcome\n"
	            "[   12] a granted m #1\n"
	            "[ 2082] a welcome resumed last=1\n"
	            "[ 2102] b granted m #2\n"
	            "[ 2102] a success m next=b\n");
}

static void an_id_in_use_is_refused_after_a_probation(void **state)
{
	(void)state;
	world_story("0 ~a ENTER m\n"
	            "10 ~a OPEN\n"
	            "20 ~a CHECK_GRANT m\n",
	            "[    2] ~a granted m #1\n"
	            "[   72] ~a id_in_use m\n");
}

static void a_polling_client_keeps_its_places_over_a_new_socket(void **state)
{
	(void)state;
	world_story("0 ~a ENTER m\n"
	            "1 ~b ENTER m\n"
	            "10 ~a CLOSE\n"
	            "15 ~a OPEN\n"
	            "20 ~a CHECK_GRANT m\n"
	            "200 ~a EXIT m\n"
	            "210 ~b CHECK_GRANT m\n",
	            "[    2] ~a granted m #1\n"
	            "[    3] ~b queued m\n"
	            "[   22] ~a granted m #1\n"
	            "[  202] ~a success m next=~b\n"
	            "[  212] ~b granted m #2\n");
}

static void an_id_is_free_again_once_its_owner_has_ended(void **state)
{
	(void)state;
	world_story("0 a HELLO\n"
	            "10 a ENTER m\n"
	            "20 a CLOSE\n"
	            "40 a OPEN\n"
	            "41 a HELLO\n"
	            "200 a ENTER m\n",
	            "[    2] a welcome\n"
	            "[   12] a granted m #1\n"
	            "[   93] a welcome\n"
	            "[  202] a granted m #2 abandoned\n");
}

static void checks_tell_owner_and_token(void **state)
{
	(void)state;
	world_story("0 a,b HELLO\n"
	            "10 a ENTER m\n"
	            "20 a CHECK m\n"
	            "30 a CHECK m token=77\n"
	            "40 b CHECK m token=1\n"
	            "50 b CHECK n token=1\n"
	            "60 ~p CHECK m token=1\n"
	            "70 ~p CHECK m token=2\n",
	            "[    2] a welcome\n"
	            "[    2] b welcome\n"
	            "[   12] a granted m #1\n"
	            "[   22] a owner m\n"
	            "[   32] a stale_token m\n"
	            "[   42] b not_owner m\n"
	            "[   52] b not_owner n\n"
	            "[   62] ~p owner m\n"
	            "[   72] ~p stale_token m\n");
}

static void a_client_from_elsewhere_may_not_stop_the_server(void **state)
{
	(void)state;
	world_story("0 ~a STOP_SERVER\n"
	            "10 ~a ENTER m\n",
	            "[    2] ~a forbidden\n"
	            "[   12] ~a granted m #1\n");
}

/* ----- Limits ----- */

static const struct dmonitor_limits narrow = {
	.sessions = 4, .monitors = 3, .conditions = 2, .places = 2, .clients = 3, .ids = 1
};

static void beyond_a_limit_nothing_happens_but_an_answer(void **state)
{
	(void)state;
	/* A fifth client; a third monitor of one client; a fourth monitor. */
	world_story_limited(&narrow,
	                    "0 ~a,~b,~c,~d ENTER m\n"
	                    "10 ~e ENTER m\n"
	                    "20 ~a ENTER n\n"
	                    "30 ~a ENTER o\n"
	                    "40 ~b ENTER p\n"
	                    "50 ~c ENTER q\n",
	                    "[    2] ~a granted m #1\n"
	                    "[    2] ~b queued m\n"
	                    "[    2] ~c queued m\n"
	                    "[    2] ~d limit m\n"
	                    "[   12] ~e limit m\n"
	                    "[   22] ~a granted n #2\n"
	                    "[   32] ~a limit o\n"
	                    "[   42] ~b granted p #3\n"
	                    "[   52] ~c limit q\n");
}

/* Who polls and is nowhere makes room. */
static void a_connection_has_so_many_clients_and_no_more(void **state)
{
	(void)state;
	world_story_limited(&narrow,
	                    "0 ~a ENTER m\n"
	                    "10 ~a ENTER n as=b\n"
	                    "20 ~a HELLO as=b\n"
	                    "30 ~a EXIT m\n"
	                    "40 ~a ENTER n as=b\n"
	                    "50 ~a ENTER m\n",
	                    "[    2] ~a granted m #1\n"
	                    "[   12] ~a limit n\n"
	                    "[   22] ~a limit\n"
	                    "[   32] ~a success m next=-\n"
	                    "[   42] ~a granted n #2\n"
	                    "[   52] ~a limit m\n");
}

static void who_is_inside_may_wait_however_many_there_are(void **state)
{
	(void)state;
	world_story_limited(&narrow,
	                    "0 a,b,c,d HELLO\n"
	                    "10 a ENTER m\n"
	                    "11 b ENTER m\n"
	                    "12 c ENTER m\n"
	                    "20 a WAIT m c\n"
	                    "30 d ENTER m\n"
	                    "40 b EXIT m signal=c\n"
	                    "50 d ENTER m\n"
	                    "60 c EXIT m\n"
	                    "70 a EXIT m\n",
	                    "[    2] a welcome\n"
	                    "[    2] b welcome\n"
	                    "[    2] c welcome\n"
	                    "[    2] d welcome\n"
	                    "[   12] a granted m #1\n"
	                    "[   22] b granted m #2\n"
	                    "[   32] d limit m\n"
	                    "[   42] c granted m #3\n"
	                    "[   42] b success m next=c woken=1\n"
	                    "[   62] a granted_after_wait m c #4\n"
	                    "[   62] c success m next=a\n"
	                    "[   72] d granted m #5\n"
	                    "[   72] a success m next=d\n");
}

static void a_wait_beyond_the_conditions_leaves_its_caller_inside(void **state)
{
	(void)state;
	world_story_limited(&narrow,
	                    "0 ~a,~b,~c ENTER m\n"
	                    "10 ~a WAIT m c\n"
	                    "20 ~b WAIT m d\n"
	                    "30 ~c WAIT m e\n"
	                    "40 ~c WAIT m d\n",
	                    "[    2] ~a granted m #1\n"
	                    "[    2] ~b queued m\n"
	                    "[    2] ~c queued m\n"
	                    "[   12] ~a waiting_on_condition m c\n"
	                    "[   22] ~b waiting_on_condition m d\n"
	                    "[   32] ~c limit m e\n"
	                    "[   42] ~c waiting_on_condition m d\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_to_come_is_the_first_to_enter),
		cmocka_unit_test(who_polls_is_answered_at_once),
		cmocka_unit_test(entering_again_while_in_line_keeps_the_place),
		cmocka_unit_test(a_wait_releases_and_enqueues_in_one_step),
		cmocka_unit_test(the_signaller_goes_on_owning_the_monitor),
		cmocka_unit_test(an_awakened_waiter_stands_before_later_comers),
		cmocka_unit_test(an_awakened_waiter_stands_behind_earlier_comers),
		cmocka_unit_test(a_broadcast_awakens_all_who_wait_and_nobody_later),
		cmocka_unit_test(a_signal_awakens_who_has_waited_longest),
		cmocka_unit_test(signals_are_not_stored),
		cmocka_unit_test(a_name_twice_awakens_two),
		cmocka_unit_test(a_wait_may_signal_its_own_condition_first),
		cmocka_unit_test(conditions_are_apart),
		cmocka_unit_test(monitors_are_apart),
		cmocka_unit_test(an_enter_that_runs_out_leaves_the_line),
		cmocka_unit_test(a_try_does_not_queue),
		cmocka_unit_test(a_wait_that_runs_out_holds_the_lock_again),
		cmocka_unit_test(a_wait_with_no_time_lets_others_in),
		cmocka_unit_test(who_was_signalled_in_time_has_not_timed_out),
		cmocka_unit_test(a_timed_out_waiter_takes_no_signal),
		cmocka_unit_test(a_cancelled_enter_leaves_the_line),
		cmocka_unit_test(a_cancelled_wait_holds_the_lock_again),
		cmocka_unit_test(who_polls_may_cancel_too),
		cmocka_unit_test(a_request_repeated_is_done_once),
		cmocka_unit_test(a_request_older_than_the_last_is_ignored),
		cmocka_unit_test(a_pending_request_repeated_is_answered_once),
		cmocka_unit_test(a_refused_quiet_exit_is_told_twice),
		cmocka_unit_test(a_closed_connection_frees_what_its_clients_held),
		cmocka_unit_test(the_dead_leave_line_and_conditions),
		cmocka_unit_test(a_signal_to_the_dead_goes_to_the_next),
		cmocka_unit_test(a_broadcast_to_the_dead_is_not_passed_on),
		cmocka_unit_test(a_hello_that_was_overtaken_changes_nothing),
		cmocka_unit_test(an_abandoned_monitor_awakens_all_and_says_so),
		cmocka_unit_test(an_abandonment_is_passed_on_by_who_does_not_see_to_it),
		cmocka_unit_test(an_abandonment_is_owed_until_somebody_comes),
		cmocka_unit_test(a_goodbye_releases_without_abandoning),
		cmocka_unit_test(who_comes_back_in_time_keeps_everything),
		cmocka_unit_test(who_comes_back_too_late_has_lost_everything),
		cmocka_unit_test(a_grant_while_away_is_told_on_return),
		cmocka_unit_test(the_secret_takes_a_session_over),
		cmocka_unit_test(resuming_on_the_same_connection_renews_the_lease),
		cmocka_unit_test(a_secret_is_worth_nothing_under_another_id),
		cmocka_unit_test(a_session_s_request_under_another_id_has_no_effect),
		cmocka_unit_test(a_silent_session_ends_with_its_lease),
		cmocka_unit_test(a_lease_is_brought_into_its_bounds),
		cmocka_unit_test(beats_keep_a_session),
		cmocka_unit_test(nobody_pays_for_the_server_standing_still),
		cmocka_unit_test(a_probation_begins_anew_when_the_server_stood_still),
		cmocka_unit_test(an_id_in_use_is_refused_after_a_probation),
		cmocka_unit_test(a_polling_client_keeps_its_places_over_a_new_socket),
		cmocka_unit_test(an_id_is_free_again_once_its_owner_has_ended),
		cmocka_unit_test(checks_tell_owner_and_token),
		cmocka_unit_test(a_client_from_elsewhere_may_not_stop_the_server),
		cmocka_unit_test(beyond_a_limit_nothing_happens_but_an_answer),
		cmocka_unit_test(a_connection_has_so_many_clients_and_no_more),
		cmocka_unit_test(who_is_inside_may_wait_however_many_there_are),
		cmocka_unit_test(a_wait_beyond_the_conditions_leaves_its_caller_inside),
	};

	return cmocka_run_group_tests_name("stories", tests, NULL, NULL);
}
