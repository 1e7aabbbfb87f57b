/*
 * monitor.pml: one monitor, its clients, and a network between them that fails, for Spin.
 *
 * One process takes one step after another, each step whole: a client decides, a message arrives, the
 * network fails, a client dies, the server ends a session. So every interleaving is looked at, and
 * `check()` after every step sees each state that anybody could see. README.md says what is left out
 * and why that is sound. What is to be fixed by -D: the sizes below, one MUTANT_..., one REACH_....
 */

#ifndef CLIENTS
#define CLIENTS 3
#endif
#ifndef REQUESTS
#define REQUESTS 2 /* ENTERs, WAITs, SIGNALs and BROADCASTs of each client; its EXITs come on top */
#endif
#ifndef FAULTS
#define FAULTS 2 /* of the network */
#endif
#ifndef DEATHS
#define DEATHS 1 /* 0 or 1: of client 0, which stands for any, as they are all alike */
#endif
#define CONDITIONS 2
#define NOBODY CLIENTS

/* Requests: what is asked, and its condition, from 1; of EXIT and EXIT_UNANSWERED the signal that
 * rides on it, or 0. */
#define ASK(action, condition) ((action) * 4 + (condition))
#define ACTION(request) ((request) / 4)
#define CONDITION(request) ((request) % 4)
#define HELLO 1
#define ENTER 2
#define EXIT 3
#define EXIT_UNANSWERED 4 /* reply: false */
#define WAIT 5
#define SIGNAL 6
#define BROADCAST 7

/* Answers. */
#define WELCOME 1 /* with the last number that the server saw */
#define SESSION_LOST 2
#define GRANTED 3 /* with the token; granted_after_wait as well */
#define SUCCESS 4

/* The states of a place, as in DESIGN.md; those with a condition have it added. */
#define OUT 0
#define IN_LINE 1
#define INSIDE 2
#define JOINING 3 /* MUTANT_WAIT_IN_TWO_STEPS: has released, does not yet wait */
#define WAITING 6
#define AWAKENED 9   /* by a broadcast or an abandonment */
#define SIGNALLED 10 /* awakened by a signal on the condition added */

/* A client's link. */
#define UP 0
#define CUT 1      /* gone, but the client does not know yet */
#define GREETING 2 /* a new connection, HELLO said, not yet welcome */

typedef client {
	/* The library's side. */
	bool gone; /* it died, or its lease is over by its own clock, or it was told session_lost */
	unsigned link : 2;
	unsigned left : 3;        /* requests that it may still make */
	unsigned seq : 4;         /* the last number used */
	unsigned awaits : 5;      /* the request whose answer it awaits, 0: none */
	unsigned unconfirmed : 5; /* an EXIT_UNANSWERED that no answer has confirmed, 0: none */
	unsigned token : 4;       /* of the ownership it knows of, 0: none */
	/* The server's side: the session, and its place. */
	bool known;          /* the session lives */
	bool attached;       /* what is sent to it would arrive */
	unsigned done : 4;   /* the last number obeyed */
	unsigned kept : 3;   /* the answer to that one; 0: none was given yet, or ever will be */
	unsigned place : 4;
	unsigned ticket : 2; /* its rank among those who are in line or wait, 1 first; 0: it is not */
	unsigned granted : 4; /* the token of its ownership */
	/* Who watches: */
	unsigned executed : 4; /* the last number that had an effect */
};

client c[CLIENTS];
chan up[CLIENTS] = [4] of { byte, byte };         /* request, seq */
chan down[CLIENTS] = [3] of { byte, byte, byte }; /* answer, seq, token or last seq */

unsigned owner : 2 = NOBODY;
unsigned tickets : 2; /* how many have one */
unsigned faults : 2 = FAULTS;
unsigned deaths : 1 = DEATHS;
bool used; /* a condition was named; the first one to be is 1, for they are all alike */
#ifdef TOKENS_ARE_COUNTED
unsigned token : 5;
#endif

/* Who watches: the signals that awakened somebody who has not been granted since. */
unsigned given_1 : 2;
unsigned given_2 : 2;

/* Scratch, empty between steps. */
hidden byte i;
hidden byte j;
hidden byte k;
hidden byte n;
hidden byte request;
hidden byte seq;
hidden byte answer;
hidden byte value;
hidden byte woken;
hidden byte before;

#ifdef MUTANT_CLAIMS_AFTER_THE_LEASE
#define ALIVE(x) true
#else
#define ALIVE(x) !c[x].gone
#endif
#ifdef MUTANT_CLAIMS_WHILE_DISCONNECTED
#define CONFIRMED(x) true
#else
#define CONFIRMED(x) (c[x].link == UP || c[x].link == CUT)
#endif
/* What the program is told when it asks whether it owns the monitor. */
#define BELIEVES(x) (c[x].token != 0 && ALIVE(x) && CONFIRMED(x))
#define STANDS_IN_LINE(x) (c[x].place == IN_LINE || c[x].place >= AWAKENED)
#define WAITS_ON(x, cond) (c[x].place == WAITING + (cond) || c[x].place == JOINING + (cond))
#define PENDING(x) (c[x].place != OUT && c[x].place != INSIDE)

/* ---- The server ---- */

inline send_down(to, what, number, tell)
{
	if
	:: c[to].attached && !c[to].gone -> down[to]!what, number, tell
	:: else
	fi
}

/* Told on whatever connection it asks on. */
inline send_lost(x)
{
	if
	:: !c[x].gone -> down[x]!SESSION_LOST, 0, 0
	:: else
	fi
}

/* Who watches: a signal has led to the grant of `was`, or is taken from it. */
inline used_up(was)
{
	if
	:: was == SIGNALLED + 1 -> given_1--
	:: was == SIGNALLED + 2 -> given_2--
	:: else
	fi
}

inline take_ticket(x)
{
	tickets++;
	c[x].ticket = tickets
}

inline drop_ticket(x)
{
	for (k : 0 .. CLIENTS - 1) {
		if
		:: c[x].ticket != 0 && c[k].ticket > c[x].ticket -> c[k].ticket--
		:: else
		fi
	}
	if
	:: c[x].ticket != 0 -> tickets--
	:: else
	fi;
	c[x].ticket = 0
}

/* Only the order of tokens matters, and only of those that somebody still knows: a new one is one
 * above them. With TOKENS_ARE_COUNTED it is the server's counter. */
inline new_token()
{
#ifdef TOKENS_ARE_COUNTED
	token++;
	value = token;
	for (k : 0 .. CLIENTS - 1) {
		assert(value > c[k].token && value > c[k].granted)
	}
#else
	value = 1;
#ifndef MUTANT_THE_TOKEN_STAYS
	for (k : 0 .. CLIENTS - 1) {
		value = (c[k].token >= value -> c[k].token + 1 : value)
	}
#endif
#endif
}

inline grant(x)
{
	/* Who watches: no overtaking; the lock is free; a new token; the signal is used. */
	assert(owner == NOBODY);
	for (k : 0 .. CLIENTS - 1) {
		assert(!STANDS_IN_LINE(k) || k == x || c[k].ticket > c[x].ticket)
	}
	used_up(c[x].place);
	drop_ticket(x);
	owner = x;
	new_token();
	c[x].place = INSIDE;
	c[x].granted = value;
	c[x].kept = GRANTED;
	send_down(x, GRANTED, c[x].done, value)
}

inline hand_over()
{
	n = NOBODY;
	for (j : 0 .. CLIENTS - 1) {
		if
#ifdef MUTANT_LAST_COMES_FIRST
		:: STANDS_IN_LINE(j) && (n == NOBODY || c[j].ticket > c[n].ticket) -> n = j
#else
		:: STANDS_IN_LINE(j) && (n == NOBODY || c[j].ticket < c[n].ticket) -> n = j
#endif
		:: else
		fi
	}
	if
	:: owner == NOBODY && n != NOBODY -> grant(n)
	:: else
	fi
}

/* Awaken all who wait on `cond`, by no signal. */
inline awaken_all(cond)
{
	for (j : 0 .. CLIENTS - 1) {
		if
		:: c[j].place == WAITING + cond -> c[j].place = AWAKENED
		:: else
		fi
	}
}

/* Awaken the longest waiter on `cond`; `woken` says how many were. */
inline signal(cond)
{
	before = 0;
	n = NOBODY;
	for (j : 0 .. CLIENTS - 1) {
		before = before + WAITS_ON(j, cond);
		if
#ifdef MUTANT_THE_LAST_WAITER_IS_AWAKENED
		:: c[j].place == WAITING + cond && (n == NOBODY || c[j].ticket > c[n].ticket) -> n = j
#else
		:: c[j].place == WAITING + cond && (n == NOBODY || c[j].ticket < c[n].ticket) -> n = j
#endif
		:: else
		fi
	}
	woken = 0;
	if
	:: n != NOBODY ->
		c[n].place = SIGNALLED + cond;
		given_1 = given_1 + (cond == 1);
		given_2 = given_2 + (cond == 2);
		woken = 1
	:: else
	fi;
#ifdef MUTANT_A_SIGNAL_AWAKENS_ALL
	awaken_all(cond);
#endif
	/* Who watches: of those who have given up the lock to wait, the longest and no other. */
	assert(woken == (before > 0));
	for (j : 0 .. CLIENTS - 1) {
		before = before - WAITS_ON(j, cond);
		assert(!WAITS_ON(j, cond) || c[j].ticket > c[n].ticket)
	}
	assert(before == woken)
}

inline execute(x)
{
	/* Who watches: at most once, and none left out. */
	assert(seq == c[x].executed + 1);
	c[x].executed = seq;
	c[x].done = seq;
	c[x].kept = 0;
	/* What is obeyed is as good as confirmed: `welcome` would say so. */
	if
	:: ACTION(request) == EXIT_UNANSWERED -> c[x].unconfirmed = 0
	:: else
	fi;
	if
	:: ACTION(request) == ENTER ->
		assert(c[x].place == OUT);
		if
		:: owner == NOBODY -> grant(x)
		:: else -> take_ticket(x); c[x].place = IN_LINE
		fi
	:: ACTION(request) == EXIT || ACTION(request) == EXIT_UNANSWERED ->
		assert(c[x].place == INSIDE && owner == x);
		if
		:: CONDITION(request) != 0 -> signal(CONDITION(request))
		:: else
		fi;
		owner = NOBODY;
		c[x].place = OUT;
		c[x].granted = 0;
#ifdef MUTANT_NO_HAND_OVER
#else
		hand_over();
#endif
		if
		:: ACTION(request) == EXIT ->
			c[x].kept = SUCCESS;
			send_down(x, SUCCESS, seq, 0)
		:: else
		fi
	:: ACTION(request) == WAIT ->
		assert(c[x].place == INSIDE && owner == x);
		take_ticket(x);
		owner = NOBODY;
		c[x].granted = 0;
#ifdef MUTANT_WAIT_IN_TWO_STEPS
		c[x].place = JOINING + CONDITION(request);
#else
		c[x].place = WAITING + CONDITION(request);
#endif
		hand_over()
	:: else -> /* SIGNAL, BROADCAST */
		assert(c[x].place == INSIDE && owner == x);
		if
		:: ACTION(request) == SIGNAL -> signal(CONDITION(request))
		:: else -> awaken_all(CONDITION(request))
		fi;
		c[x].kept = SUCCESS;
		send_down(x, SUCCESS, seq, 0)
	fi
}

/* A request of `x` arrives. */
inline serve(x)
{
	up[x]?request, seq;
	if
	:: !c[x].known -> send_lost(x)
	:: else ->
		if
		:: ACTION(request) == HELLO ->
			c[x].attached = !c[x].gone;
			send_down(x, WELCOME, 0, c[x].done)
		:: ACTION(request) != HELLO && seq < c[x].done -> skip /* ignored */
		:: ACTION(request) != HELLO && seq == c[x].done ->
			if
			:: PENDING(x) -> skip /* its answer is still to come */
#ifdef MUTANT_A_REPETITION_IS_DONE_AGAIN
			:: !PENDING(x) -> execute(x)
#elif defined(MUTANT_NO_ANSWER_IS_KEPT)
			:: !PENDING(x) -> skip
#else
			:: !PENDING(x) && c[x].kept != 0 ->
#ifdef REACH_A_KEPT_ANSWER
				assert(false);
#endif
				send_down(x, c[x].kept, seq, c[x].granted)
			:: !PENDING(x) && c[x].kept == 0 -> skip
#endif
			fi
		:: ACTION(request) != HELLO && seq > c[x].done ->
			assert(!PENDING(x)); /* else `busy` */
			assert(seq == c[x].done + 1); /* else `seq_gap` */
			execute(x)
		fi
	fi
}

inline forget_what_the_gone_said(x)
{
	do
	:: c[x].gone && len(up[x]) > 0 -> up[x]?_, _
	:: else -> break
	od
}

/* The lease or the probation of `x` is over. */
inline end_session(x)
{
	c[x].known = false;
	c[x].attached = false;
	value = c[x].place;
#ifdef MUTANT_THE_DEAD_STAY_IN_LINE
	if
	:: value == IN_LINE
	:: else -> drop_ticket(x); c[x].place = OUT
	fi;
#else
	drop_ticket(x);
	c[x].place = OUT;
#endif
	c[x].granted = 0;
	c[x].kept = 0;
	c[x].done = 0;
	c[x].executed = 0;
	forget_what_the_gone_said(x);
	if
	:: value > SIGNALLED ->
		used_up(value);
#ifdef REACH_A_SIGNAL_PASSED_ON
		for (j : 0 .. CLIENTS - 1) {
			assert(!WAITS_ON(j, value - SIGNALLED))
		}
#endif
#ifdef MUTANT_THE_SIGNAL_OF_THE_DEAD_IS_LOST
		woken = 0;
#else
		/* Its signal is the next waiter's; where there is none, it is dropped. */
		signal(value - SIGNALLED);
#endif
		for (j : 0 .. CLIENTS - 1) {
			assert(woken == 1 || !WAITS_ON(j, value - SIGNALLED))
		}
	:: value == INSIDE ->
		owner = NOBODY;
#ifdef MUTANT_ABANDONMENT_AWAKENS_NOBODY
#else
		awaken_all(1);
		awaken_all(2);
#endif
		for (j : 0 .. CLIENTS - 1) {
			assert(c[j].place < JOINING || c[j].place >= AWAKENED)
		}
	:: else
	fi;
	hand_over()
}

/* ---- The client ---- */

inline ask(x, what)
{
	if
	:: c[x].link == UP -> up[x]!what, c[x].seq
	:: else /* CUT: it is lost */
	fi
}

/* The next request of the sequence. */
inline ask_next(x, what)
{
	c[x].seq++;
	if
	:: CONDITION(what) != 0 -> used = true
	:: else
	fi;
	if
	:: ACTION(what) == EXIT_UNANSWERED -> c[x].unconfirmed = what
	:: else -> c[x].awaits = what
	fi;
	/* From its sending on an EXIT or WAIT may have been obeyed. */
	if
	:: ACTION(what) == SIGNAL || ACTION(what) == BROADCAST || ACTION(what) == ENTER
	:: else -> c[x].token = 0
	fi;
	if
	:: ACTION(what) == EXIT || ACTION(what) == EXIT_UNANSWERED
	:: else -> c[x].left--
	fi;
	ask(x, what)
}

#define UNCONFIRMED_SEQ(x) (c[x].seq - (c[x].awaits != 0))

/* Back again: repeat what the server has not seen, and what it has seen but not answered. */
inline resume(x, last)
{
	c[x].link = UP;
#ifdef MUTANT_AN_UNCONFIRMED_EXIT_IS_FORGOTTEN
#else
	if
	:: c[x].unconfirmed != 0 && UNCONFIRMED_SEQ(x) > last ->
#ifdef REACH_AN_UNCONFIRMED_EXIT
		assert(false);
#endif
		up[x]!c[x].unconfirmed, UNCONFIRMED_SEQ(x)
	:: else -> c[x].unconfirmed = 0
	fi;
#endif
	if
	:: c[x].awaits != 0 && c[x].seq >= last -> up[x]!c[x].awaits, c[x].seq
	:: else
	fi
}

/* It is no more, or no more believes in its session; what it sent may still arrive. */
inline leave(x)
{
	c[x].gone = true;
	c[x].link = UP;
	c[x].attached = false;
	c[x].left = 0;
	c[x].seq = 0;
	c[x].awaits = 0;
	c[x].unconfirmed = 0;
	do
	:: len(down[x]) > 0 -> down[x]?_, _, _
	:: else -> break
	od;
#ifdef MUTANT_CLAIMS_AFTER_THE_LEASE
#else
	c[x].token = 0
#endif
}

inline hear(x)
{
	down[x]?answer, seq, value;
	if
	:: answer == WELCOME && c[x].link == GREETING -> resume(x, value)
	:: answer == WELCOME && c[x].link != GREETING -> skip
	:: answer == SESSION_LOST -> leave(x); c[x].token = 0
	:: answer != WELCOME && answer != SESSION_LOST ->
		if
		:: c[x].awaits != 0 && seq == c[x].seq ->
			c[x].awaits = 0;
			c[x].unconfirmed = 0;
			if
			:: answer == GRANTED -> c[x].token = value
			:: else
			fi
		:: else /* answered before */
		fi
	fi
}

/* ---- The network ---- */

/* On a new connection. */
inline greet(x)
{
	c[x].link = GREETING;
	up[x]!ASK(HELLO, 0), 0
}

/* Both directions at once, with all that is under way. */
inline cut(x)
{
	faults--;
	c[x].attached = false;
	do
	:: len(up[x]) > 0 -> up[x]?_, _
	:: len(up[x]) == 0 && len(down[x]) > 0 -> down[x]?_, _, _
	:: else -> break
	od;
	if
	:: c[x].link == UP -> c[x].link = CUT
	:: else -> greet(x)
	fi
}

/* Of numbers only the order matters: who has nothing under way may as well begin anew. So states
 * that behave alike are one. */
inline renumber()
{
	for (j : 0 .. CLIENTS - 1) {
		if
		:: c[j].awaits == 0 && c[j].unconfirmed == 0 && c[j].done == c[j].seq &&
		   len(up[j]) == 0 && len(down[j]) == 0 && c[j].link == UP ->
			c[j].seq = 0;
			c[j].done = 0;
			c[j].executed = 0;
			c[j].kept = 0
		:: else
		fi
	}
}

/* ---- What must be so after every step ---- */

inline check()
{
	n = 0;
	for (j : 0 .. CLIENTS - 1) {
		/* One is inside, and it is the owner; nobody queues at a free monitor. */
		assert((c[j].place == INSIDE) == (owner == j));
		assert(!STANDS_IN_LINE(j) || owner != NOBODY);
		assert(!PENDING(j) || c[j].known);
		/* A client believes what is so, unless its link has gone unnoticed. */
		assert(!BELIEVES(j) || c[j].link == CUT ||
		       (c[j].known && owner == j && c[j].granted == c[j].token));
		if
		:: BELIEVES(j) -> n++
		:: else
		fi
	}
	/* Signals are neither lost nor invented. */
	for (k : 1 .. CONDITIONS) {
		before = 0;
		for (j : 0 .. CLIENTS - 1) {
			if
			:: c[j].place == SIGNALLED + k -> before++
			:: else
			fi
		}
		assert(before == (k == 1 -> given_1 : given_2))
	}
	/* Two believe it only while one does not know that its link has gone; the token tells. */
	for (j : 0 .. CLIENTS - 1) {
		for (k : 0 .. CLIENTS - 1) {
			assert(j == k || !BELIEVES(j) || !BELIEVES(k) || c[j].token > c[k].token ||
			       (c[j].link == CUT && c[j].token < c[k].token))
		}
	}
#ifdef REACH_TWO_BELIEVE
	assert(n < 2);
#endif
	renumber();
	i = 0; j = 0; k = 0; n = 0; request = 0; seq = 0; answer = 0; value = 0; woken = 0; before = 0
}

/* When nothing can happen any more, nobody is owed anything: who does not wait on a condition, or is
 * gone, has done all that it wanted. */
inline check_end()
{
#ifdef REACH_THE_END
	assert(false);
#endif
	assert(owner == NOBODY);
	for (j : 0 .. CLIENTS - 1) {
		assert(c[j].gone -> !c[j].known : c[j].known && c[j].link == UP);
		assert(c[j].place == OUT || (c[j].place > WAITING && c[j].place < AWAKENED));
		assert((c[j].place != OUT) == (c[j].awaits != 0));
		assert(c[j].token == 0);
		assert(c[j].left == 0 || c[j].place != OUT)
	}
}

/* ---- The steps ---- */

#define FREE(x) (!c[x].gone && c[x].link <= CUT && c[x].awaits == 0)
/* The end of one that owns nothing, asks nothing and stands nowhere would change nothing. */
#define MATTERS(x)                                                                                 \
	(!c[x].gone && (c[x].token != 0 || c[x].awaits != 0 || c[x].unconfirmed != 0 ||            \
	                c[x].link == GREETING))
/* Of clients that are alike in all, the lower one begins. */
#define FIRST(x) ((x) <= 1 || c[(x) - 1].left < REQUESTS)

#define DECIDES(x, guard, what)                                                                    \
	:: d_step { FREE(x) && (guard) -> ask_next(x, what); check() }

#define CLIENT(x)                                                                                  \
	DECIDES(x, c[x].token == 0 && c[x].left > 0 && FIRST(x), ASK(ENTER, 0))                    \
	DECIDES(x, c[x].token != 0, ASK(EXIT, 0))                                                  \
	DECIDES(x, c[x].token != 0, ASK(EXIT_UNANSWERED, 0))                                       \
	DECIDES(x, c[x].token != 0, ASK(EXIT_UNANSWERED, 1))                                       \
	DECIDES(x, c[x].token != 0 && used, ASK(EXIT_UNANSWERED, 2))                               \
	DECIDES(x, c[x].token != 0 && c[x].left > 0, ASK(WAIT, 1))                                 \
	DECIDES(x, c[x].token != 0 && c[x].left > 0 && used, ASK(WAIT, 2))                         \
	DECIDES(x, c[x].token != 0 && c[x].left > 0, ASK(SIGNAL, 1))                               \
	DECIDES(x, c[x].token != 0 && c[x].left > 0 && used, ASK(SIGNAL, 2))                       \
	DECIDES(x, c[x].token != 0 && c[x].left > 0, ASK(BROADCAST, 1))                            \
	DECIDES(x, c[x].token != 0 && c[x].left > 0 && used, ASK(BROADCAST, 2))                    \
	/* Its link. */                                                                            \
	:: d_step { !c[x].gone && c[x].link == CUT -> greet(x); check() }                          \
	:: d_step { len(down[x]) > 0 -> hear(x); check() }                                         \
	/* The network: a connection's end; an answer lost, and asked for again; asked too early. */ \
	:: d_step { faults > 0 && MATTERS(x) && (c[x].link == UP || c[x].link == GREETING) ->      \
	            cut(x); check() }                                                              \
	:: d_step { faults > 0 && !c[x].gone && c[x].link == UP && c[x].awaits != 0 &&             \
	            len(down[x]) == 1 ->                                                           \
	            faults--; down[x]?_, _, _; ask(x, c[x].awaits); check() }                      \
	:: d_step { faults > 0 && !c[x].gone && c[x].link == UP && c[x].awaits != 0 &&             \
	            len(up[x]) < 2 -> faults--; ask(x, c[x].awaits); check() }                     \
	/* The server. */                                                                          \
	:: d_step { len(up[x]) > 0 -> serve(x); check() }                                           \
	:: d_step { c[x].known && (!c[x].attached || c[x].gone) -> end_session(x); check() }       \
	JOINS(x)

#ifdef MUTANT_WAIT_IN_TWO_STEPS
#define JOINS(x)                                                                                   \
	:: d_step { c[x].place > JOINING && c[x].place <= JOINING + CONDITIONS ->                  \
	            c[x].place = c[x].place - JOINING + WAITING; check() }
#else
#define JOINS(x)
#endif

init {
	d_step {
		for (j : 0 .. CLIENTS - 1) {
			c[j].known = true;
			c[j].attached = true;
			c[j].left = REQUESTS
		}
		j = 0
	}
	do
	CLIENT(0)
	CLIENT(1)
#if CLIENTS > 2
	CLIENT(2)
#endif
	:: d_step { deaths > 0 && MATTERS(0) -> deaths--; leave(0); check() }
	:: else -> break
	od;
	atomic { check_end() }
	/* To be here for ever is no fault; any other endless run is. */
end:
progress:
	false
}
