/*
 * Waiting across threads: a thread that finds no slot sleeps, a thread that gives one back wakes the sleepers, and a death
 * on either side leaves no thread asleep beside a free slot. Every interleaving, for any number of rounds.
 *
 * Takers take slots, sleeping until they can or until their time is out, give them back, and do so again or stop for
 * good. Watchers reclaim the dead; they stand for threads that are awake, as one that is blocked cannot learn of a
 * death. Any of either kind may die before any of its steps, and may come back as a new thread once its number is free or
 * RECLAIMED.
 *
 *   to sleep     begin: w = WAKE; SLEEPERS = 1; try; if refused: sleep while WAKE == w; begin again
 *   to release   commit; if SLEEPERS != 0 and exchange(SLEEPERS, 0) == 1: WAKE += 1; notify all
 *   to reclaim   the number is RECLAIMED; commit; WAKE += 1; notify all; free the number
 *   to attach    a number that is free or RECLAIMED; commit, which gives back what it may still hold; WAKE += 1; notify all
 *
 *   here                             there
 *   begin: as far as the try         WakeWord.prepare in src/threads/wake-word.ts
 *   take, the commit of `release:`   transact in assembly/commit.ts: one step here, as commit.pml shows that it is
 *   blocked                          Atomics.wait and waitAsync, which compare and block in one step
 *   release: after its commit        wake in assembly/wake.ts
 *   reclaim: its commit              the loop of leave in assembly/commit.ts, its look at `life` included: one step
 *   reclaim: bump, notifyAll         ring in assembly/wake.ts
 *   AGAIN, and what follows          the first transaction of each life: leave in assembly/commit.ts
 *
 * WAKE is read before the flag is raised. The other way round, a release that is already under way may lower the flag
 * just raised and change WAKE before it is read: then neither the flag nor WAKE tells of the next release. Three
 * threads are needed for that, see the mutant WAKE_AFTER_FLAG.
 *
 * A reclaim wakes without asking the flag, and also if its dead held nothing: the dead may have given back and lowered
 * the flag, and not yet woken any thread. As any reclaim wakes all, it does not matter which of several dead, a reclaimer
 * among them, owed that to which sleeper. A thread that takes a RECLAIMED number ends the reclaim, and owes it in turn.
 *
 * Assumed:
 * - Steps of different threads interleave; each sees all that came before it. All these words are atomics.
 * - While a thread is between reading WAKE and falling asleep, WAKE does not come round to the same number: 2^32
 *   wakes. So all that matters of WAKE is whether it has changed since, which is what is kept of it here. The mutant
 *   FULL_WRAP shows that this is needed.
 * - A thread said to be dead is dead, and some watcher lives. A thread that is reclaimed while it lives finds out when it
 *   is woken; that it does no harm is shown in commit.pml.
 *
 * Checked:
 * - No thread is wedged. Where nothing can move any more, all slots have come back, so that a thread that is blocked there
 *   sleeps beside a free one: spin reports an invalid end state. A taker may stop after any round, so that a sleeper
 *   forgotten while others go on shows too: when those others stop.
 * - No needless wake but for a stale flag: releases wake not more often than the flag goes up.
 * - Slots are conserved.
 *
 * Mutants, each of which spin must reject:
 *   WAKE_AFTER_FLAG    read WAKE after raising the flag
 *   WAKE_LATE          read WAKE after the try
 *   FLAG_LATE          raise the flag after the try
 *   NO_SECOND_TRY      try before raising the flag, and not after
 *   CLEAR_LATE         lower the flag after waking
 *   NO_EXCHANGE        read the flag and lower it in two steps
 *   NOTIFY_FIRST       notify, then change WAKE
 *   FULL_WRAP          two changes of WAKE look like none
 *   RECLAIM_BY_FLAG    reclaim wakes only if the flag is up, like a release
 *   RECLAIM_IF_HELD    reclaim wakes only if it gives something back
 *   RECLAIM_NO_BUMP    reclaim notifies without changing WAKE
 *   RECLAIM_NO_NOTIFY  reclaim changes WAKE without notifying
 *   RESET_NO_RING      attach gives back what the number holds, and wakes no thread
 */

/* Bounds. Rounds are not bounded. */
#ifndef TAKERS
#define TAKERS 3
#endif
#ifndef WATCHERS
#define WATCHERS 2
#endif
#ifndef DEATHS
#define DEATHS 1
#endif
/* Taker 0 wants all of them, the others one each. */
#ifndef SLOTS
#define SLOTS 1
#endif

#define ALL (TAKERS + WATCHERS)
#define WANTS (me == 0 -> SLOTS : 1)

/* WAKE, as far as any thread can tell: whether it has changed since that thread read it to go to sleep. */
#define NOT_READ 0
#define SAME 1
#define CHANGED 2
byte wakeSeen[TAKERS];

bit SLEEPERS;

/* The committed state. */
byte free = SLOTS;
byte held[TAKERS];

/* Odd while attached, and one more each time a number is attached or freed. */
byte life[ALL] = 1;
#define ATTACHED(l) ((l) % 2)
/* A reclaim of the present life has begun: the number may be attached to before it is over. */
bool reclaimed[ALL];
#define AGAIN atomic { \
    !ATTACHED(life[me]) || reclaimed[me] -> \
    life[me] = life[me] + 1 + ATTACHED(life[me]); reclaimed[me] = false; dead[me] = false \
  }

/* The threads that are blocked on WAKE: the system's list. */
bool blocked[TAKERS];

/* Ghosts. */
byte deaths;
byte livingWatchers = WATCHERS;
bool dead[ALL];
byte moving = TAKERS; /* threads that are neither blocked nor at rest, and the dead until they come back */
byte raised; /* how often the flag went up, less how often a release has notified for it or died over it */
hidden byte i, sum;

#define LOST(t) (dead[t] && ATTACHED(life[t]))

/* No thread dies, or gives up sleeping, where nothing moves: all must be well there as it is. */
#define MAY_DIE (deaths < DEATHS && moving)

inline conserved() {
  d_step {
    sum = free;
    i = 0;
    do
    :: i < TAKERS -> sum = sum + held[i]; i++
    :: else -> break
    od;
    assert(sum == SLOTS);
    i = 0; sum = 0
  }
}

inline bump() {
  d_step {
    i = 0;
    do
    :: i < TAKERS ->
      if
      :: wakeSeen[i] == SAME -> wakeSeen[i] = CHANGED
#ifdef FULL_WRAP
      :: wakeSeen[i] == CHANGED -> wakeSeen[i] = SAME
#endif
      :: else
      fi;
      i++
    :: else -> break
    od;
    i = 0
  }
}

inline notifyAll() {
  d_step {
    i = 0;
    do
    :: i < TAKERS ->
      moving = moving + blocked[i];
      blocked[i] = false;
      i++
    :: else -> break
    od;
    i = 0
  }
}

inline take() {
  wakeSeen[me] = NOT_READ;
  free = free - WANTS;
  held[me] = WANTS;
  conserved()
}

inline raise() {
#ifndef CLEAR_LATE
  raised = raised + (SLEEPERS == 0);
#endif
  SLEEPERS = 1
}

/* By a release. */
inline notified() {
#ifdef CLEAR_LATE
  skip
#else
  assert(raised > 0);
  raised--
#endif
}

/* A way out of every step of a taker: die instead. `owed` is 1 where it has lowered the flag and not yet notified. */
#define DIE(owed) atomic { \
    MAY_DIE -> \
    deaths++; dead[me] = true; \
    moving = moving + blocked[me]; blocked[me] = false; wakeSeen[me] = NOT_READ; \
    raised = raised - (owed); \
    goto gone \
  }

proctype Taker(byte me) {
begin:
#ifdef NO_SECOND_TRY
  if
  :: atomic { free >= WANTS -> take(); goto release }
  :: atomic { free < WANTS }
  :: DIE(0)
  fi;
#endif
#if !defined(WAKE_AFTER_FLAG) && !defined(WAKE_LATE)
  if
  :: atomic { wakeSeen[me] = SAME }
  :: DIE(0)
  fi;
#endif
#ifndef FLAG_LATE
  if
  :: atomic { raise() }
  :: DIE(0)
  fi;
#endif
#ifdef WAKE_AFTER_FLAG
  if
  :: atomic { wakeSeen[me] = SAME }
  :: DIE(0)
  fi;
#endif
#ifndef NO_SECOND_TRY
  if
  :: atomic { free >= WANTS -> take(); goto release }
  :: atomic { free < WANTS }
  :: DIE(0)
  fi;
#endif
#ifdef WAKE_LATE
  if
  :: atomic { wakeSeen[me] = SAME }
  :: DIE(0)
  fi;
#endif
#ifdef FLAG_LATE
  if
  :: atomic { raise() }
  :: DIE(0)
  fi;
#endif

  /* sleep */
  if
  :: atomic { wakeSeen[me] == CHANGED -> wakeSeen[me] = NOT_READ; goto begin }
  :: atomic { wakeSeen[me] == SAME -> wakeSeen[me] = NOT_READ; blocked[me] = true; moving-- }
  :: DIE(0)
  fi;
  if
  :: atomic { !blocked[me] -> goto begin }
  /* Its time is out. It has nothing to undo. */
  :: atomic { blocked[me] && moving -> blocked[me] = false; moving++; goto rest }
  :: DIE(0)
  fi;

release:
  if
  :: atomic { free = free + held[me]; held[me] = 0; conserved() }
  :: DIE(0)
  fi;
  if
  :: atomic { SLEEPERS == 0 -> goto rest }
  :: atomic { SLEEPERS == 1 }
  :: DIE(0)
  fi;
#ifndef CLEAR_LATE
  if
  :: atomic { SLEEPERS == 1 -> SLEEPERS = 0 }
#ifdef NO_EXCHANGE
  :: atomic { SLEEPERS == 0 }
#else
  /* Another release has lowered it meanwhile, and wakes. */
  :: atomic { SLEEPERS == 0 -> goto rest }
#endif
  :: DIE(0)
  fi;
#endif
#ifdef NOTIFY_FIRST
  if
  :: atomic { notifyAll(); notified() }
  :: DIE(1)
  fi;
  if
  :: atomic { bump() }
  :: DIE(0)
  fi;
#else
  if
  :: atomic { bump() }
  :: DIE(1)
  fi;
  if
  :: atomic { notifyAll(); notified() }
  :: DIE(1)
  fi;
#endif
#ifdef CLEAR_LATE
  if
  :: atomic { SLEEPERS = 0 }
  :: DIE(0)
  fi;
#endif

rest:
  if
  :: goto begin
  :: atomic { moving--; goto stopped }
  :: DIE(0)
  fi;

gone:
  if
  :: AGAIN
  :: atomic { !ATTACHED(life[me]) -> moving--; goto stopped }
  fi;
  if
  :: atomic { free = free + held[me]; held[me] = 0; conserved() }
  :: DIE(0)
  fi;
#ifndef RESET_NO_RING
  if
  :: atomic { bump() }
  :: DIE(0)
  fi;
  if
  :: atomic { notifyAll() }
  :: DIE(0)
  fi;
#endif
  goto rest;

stopped:
end_stopped:
  false
}

/* A watcher may only die while another lives; `busy` is 1 where it is at work, and counted in `moving` already. */
#define WATCHER_DIES(busy) atomic { \
    MAY_DIE && livingWatchers > 1 -> \
    deaths++; dead[me] = true; livingWatchers--; \
    moving = moving + 1 - (busy); \
    victim = 0; was = 0; \
    goto gone \
  }

#define FIND_LOST(t) atomic { LOST(t) -> reclaimed[t] = true; victim = t; was = life[t]; moving++ }

proctype Watcher(byte me) {
  byte victim, was;

idle:
end_idle:
  if
  :: FIND_LOST(0)
  :: FIND_LOST(1)
  :: FIND_LOST(2)
#if TAKERS + WATCHERS > 3
  :: FIND_LOST(3)
#endif
#if TAKERS + WATCHERS > 4
  :: FIND_LOST(4)
#endif
#if TAKERS + WATCHERS > 5
  :: FIND_LOST(5)
#endif
  :: WATCHER_DIES(0)
  fi;

  /* reclaim */
  if
  :: atomic {
      life[victim] == was ->
      if
#ifdef RECLAIM_IF_HELD
      :: victim >= TAKERS || !held[victim] -> goto woken
#endif
      :: victim < TAKERS -> free = free + held[victim]; held[victim] = 0; conserved()
      :: else
      fi
    }
  :: atomic { life[victim] != was -> goto done }
  :: WATCHER_DIES(1)
  fi;
#ifdef RECLAIM_BY_FLAG
  if
  :: atomic { SLEEPERS == 0 -> goto woken }
  :: atomic { SLEEPERS == 1 -> SLEEPERS = 0; raised-- }
  :: WATCHER_DIES(1)
  fi;
#endif
#ifndef RECLAIM_NO_BUMP
  if
  :: atomic { bump() }
  :: WATCHER_DIES(1)
  fi;
#endif
#ifndef RECLAIM_NO_NOTIFY
  if
  :: atomic { notifyAll() }
  :: WATCHER_DIES(1)
  fi;
#endif
woken:
  if
  :: atomic { life[victim] == was -> life[victim] = was + 1; reclaimed[victim] = false }
  /* Another has reclaimed it too. */
  :: atomic { life[victim] != was }
  :: WATCHER_DIES(1)
  fi;
done:
  atomic { victim = 0; was = 0; moving--; goto idle };

gone:
  if
  :: AGAIN
  :: atomic { !ATTACHED(life[me]) -> moving--; goto stopped }
  fi;
  livingWatchers++;
#ifndef RESET_NO_RING
  if
  :: atomic { bump() }
  :: WATCHER_DIES(1)
  fi;
  if
  :: atomic { notifyAll() }
  :: WATCHER_DIES(1)
  fi;
#endif
  atomic { moving--; goto idle };

stopped:
end_stopped:
  false
}

init {
  atomic {
    i = 0;
    do
    :: i < TAKERS -> run Taker(i); i++
    :: i >= TAKERS && i < ALL -> run Watcher(i); i++
    :: i == ALL -> break
    od;
    i = 0
  }
}
