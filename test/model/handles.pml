/*
 * The ways into and out of a shared region: seats, handles, and the memory, which is given to another set afterwards.
 * Every interleaving, within bounds.
 *
 * The root has made the region, and has posted a handle to a worker, which attaches, posts a handle to a worker of its
 * own, and so on for GENERATIONS. Each may close the set, after or before the others. The worker and its worker may die before
 * any of their steps; the thread that posted the handle learns of it and reclaims the handle. A worker ends with the
 * thread that started it. The root may also reclaim once for no reason. When no thread takes part any more, the root
 * gives the memory to another set, and threads that come late must not write there.
 *
 *   to enter      the entrance word has the region's serial: count + 1, by compare-and-swap; if it is SHUT, that is undone
 *                 by the same swap; to leave again: count - 1
 *   to give the   no number TAKEN or INSIDE, no handle awaited; swap the entrance word from (serial, 0) to (serial, SHUT);
 *   memory away   look again; swap it from (serial, SHUT) to 0, which fails if a thread has entered; then the memory is
 *                 another set's
 *   to attach     enter; the handle is good; take a number together with the handle; RESET; the handle is still good, or
 *                 free the number; the handle is not awaited any more; leave the entrance
 *   to transact   INSIDE, as in commit.pml: it also keeps the memory; all writes of the thread into the region, the flag
 *                 that it is about to sleep among them, happen inside, or within the entrance
 *   to post       within the entrance: reserve a place; note the parent, which is the handle by which this thread attached;
 *                 only then is the handle out
 *   to reclaim    enter; with the own number, or without one take one by the handle by which it had attached; void the
 *   a handle      handle, which frees its place; void each handle of which the parent is not good; reclaim each number, as in
 *                 commit.pml, of which the handle is not good. So whatever a reclaimer that died has left is found by the
 *                 next reclaim, of whatever handle. Known to have ended are the threads that had attached by this handle, or
 *                 by one that has it for a parent: a place keeps its parent until it is used again.
 *
 *   here             there
 *   ENTER, EXIT      Entrance.enter, exit
 *   join:            Membership.join
 *   give_away:       Membership.abandon; Arena.free
 *   post:            Handles.issue
 *   reclaim:         Membership.reclaim and reclaimAs
 *
 * Assumed:
 * - A transaction is one step where commit.pml shows that it is. Serials differ; LIFE counts on from one region to the
 *   next, since it lies in memory that is used for nothing else, like the entrance word (or is drawn at random).
 * - The thread that has made the region lives.
 *
 * Checked:
 * - No thread writes into memory that was given to another set.
 * - A handle is voided by its own reclaim, or because its parent is; and then admits no thread.
 * - Where all has come to rest, no number is taken, and nothing is held.
 * - The memory has been given away by then, unless a thread died within the entrance: the count then stays up for ever,
 *   and the memory is kept. Or a thread died INSIDE of a handle that had been voided before, for no reason: then it is not
 *   known whether that thread has ended.
 *
 * Mutants, each of which spin must reject:
 *   NO_SECOND_LOOK   attach looks at the handle once, before it takes a number
 *   NO_SHUT_LOOK     the memory is given away without a look after the entrance was shut
 *   TURNED_AWAY      threads do not enter while the entrance is shut for a look
 *   PLAIN_SERIAL     enter reads the serial, and then adds 1 to whatever is there
 *   LIFE_RESTARTS    LIFE begins anew with each region
 *   NOT_PINNED       the memory is given away while a thread is INSIDE
 *   SLEEPS_OUTSIDE   the flag of a sleeper is raised outside of a transaction
 *   POSTS_OUTSIDE    a handle is posted outside of the entrance
 *   PARENT_LATE      a handle is out before its parent is noted (EXTRA=1: another handle at a place that was used before)
 *   HANDLES_LATE     reclaim looks for handles after it has looked for numbers
 *   ONLY_OWN         reclaim looks only for the numbers of its own handle, and of handles that it voids itself
 *   TAKER_UNNAMED    a thread that only reclaims takes its number by no handle
 *   HANDLE_LATE      a number is taken first, and its handle noted then
 *   RECLAIMED_LOST   reclaim looks only for TAKEN numbers
 */

#ifndef DEATHS
#define DEATHS 2
#endif
#ifndef SUSPECTS
#define SUSPECTS 1
#endif

#define ROOT 0
#define WORKER 1
#define CHILD 2
#define THREADS 3
#define NUMBERS 3
#define PLACES 3

/* The root posts so many more handles, to no thread. */
#ifndef EXTRA
#define EXTRA 0
#endif

/* The entrance word. */
byte serial = 1;
byte entering;
bool shut;

/* The numbers: LIFE and HANDLE change together. */
#define TAKEN 1
#define RECLAIMED 2
#define INSIDE 4
#define LIFE_OF(l) ((l) & 248)
#define STANDING(l) ((l) & 251)
byte life[NUMBERS];
byte handle[NUMBERS];
bool holds[NUMBERS];
#define TAKEABLE(n) (!(life[n] & (TAKEN | INSIDE)))

/* The places of handles. A handle's number is count * 4 + place. */
#define NONE 0
#define FREE 0
#define RESERVED 1
#define AWAITED 2
#define ATTENDED 3
byte count[PLACES];
byte state[PLACES];
byte parent[PLACES];
#define NUMBER(place) (count[place] * 4 + (place))
#define PLACE(number) ((number) % 4)
#define GOOD(number) (NUMBER(PLACE(number)) == number && (state[PLACE(number)] == AWAITED || state[PLACE(number)] == ATTENDED))

/* Ghosts. */
byte region = 1; /* the serial of the region that has the memory now; 0: another set */
byte trueParent[PLACES];
byte posted[THREADS]; /* the handle by which a thread may attach */
bool dead[THREADS];
byte ownerOf[NUMBERS];
byte deaths;
byte suspects;
byte sweeping;   /* reclaims that are under way, or have died on the way */
bool lostInside; /* a thread died within the entrance */
hidden byte k;

#define WRITES assert(region == mine)

#ifdef NOT_PINNED
#define IN_USE(n) (life[n] & TAKEN)
#else
#define IN_USE(n) (life[n] & (TAKEN | INSIDE))
#endif
#define DESERTED \
  (!IN_USE(0) && !IN_USE(1) && !IN_USE(2) && state[0] != AWAITED && state[1] != AWAITED && state[2] != AWAITED)

/* The root lives; a worker ends with the thread that started it. */
#define MAY_DIE (me != ROOT && (deaths < DEATHS || (me == CHILD && dead[WORKER])))
#define DIE(within) atomic { \
    MAY_DIE -> \
    deaths = deaths + !(me == CHILD && dead[WORKER]); \
    dead[me] = true; \
    lostInside = lostInside || (within); \
    goto gone \
  }

#ifdef TURNED_AWAY
#define IS_OPEN (serial == mine && !shut)
#else
#define IS_OPEN (serial == mine)
#endif

#ifdef PLAIN_SERIAL
#define ENTER(refused) \
  if \
  :: atomic { IS_OPEN } \
  :: atomic { !IS_OPEN -> goto refused } \
  :: DIE(false) \
  fi; \
  if \
  :: atomic { entering++; shut = false } \
  :: DIE(false) \
  fi
#else
#define ENTER(refused) \
  if \
  :: atomic { IS_OPEN -> entering++; shut = false } \
  :: atomic { !IS_OPEN -> goto refused } \
  :: DIE(false) \
  fi
#endif
#define EXIT(next) \
  if \
  :: atomic { entering--; goto next } \
  :: DIE(true) \
  fi

/* LIFE and HANDLE of n, to the next life. */
#define TAKE(n, handle_) \
  life[n] = LIFE_OF(life[n]) + 8 + TAKEN; \
  handle[n] = handle_; \
  ownerOf[n] = me; \
  number = n; \
  own = life[n]
#define ANY_TAKEABLE (TAKEABLE(0) || TAKEABLE(1) || TAKEABLE(2))
#define PRESENT (own && STANDING(life[number]) == own)

/* Its own worker, and what that has started, are known to have ended. */
#define HAS_ENDED(t) (dead[t] && ((t) == CHILD || dead[CHILD] || !posted[CHILD]))

#ifdef RECLAIMED_LOST
#define UNFINISHED TAKEN
#else
#define UNFINISHED (TAKEN | RECLAIMED | INSIDE)
#endif

/* To void a handle frees its place. */
#define VOID(handle_) \
  if \
  :: GOOD(handle_) -> WRITES; state[PLACE(handle_)] = FREE \
  :: else \
  fi

/* A handle of which the parent is not good, and a number of which the handle is not good, are what a reclaim looks for. */
#define IS_OUT(place) (state[place] == AWAITED || state[place] == ATTENDED)
#ifdef ONLY_OWN
#define LOST_HANDLE(place) (IS_OUT(place) && parent[place] && parent[place] == reclaimed)
#define LOST_NUMBER(n) ((life[n] & UNFINISHED) && handle[n] && (handle[n] == reclaimed || handle[n] == voided))
#else
#define LOST_HANDLE(place) (IS_OUT(place) && parent[place] && !GOOD(parent[place]))
#define LOST_NUMBER(n) ((life[n] & UNFINISHED) && handle[n] && !GOOD(handle[n]))
#endif

/* The thread attached by the handle of which the thread has ended, or by one of which that is the parent: its place tells. */
#define DESCENDS(handle_) (NUMBER(PLACE(handle_)) == handle_ && parent[PLACE(handle_)] == reclaimed)
#define KNOWN_ENDED(n) (event && (handle[n] == reclaimed || DESCENDS(handle[n])))

#define RECLAIM_OVER \
  settled = settled || event; event = false; \
  reclaimed = 0; i = 0; was = 0

proctype Thread(byte me) {
  byte mine = 1;    /* the serial that it knows */
  byte number, own; /* its number, and LIFE as it took it; 0: it takes no part */
  byte by;          /* the handle by which it attaches */
  byte reclaimed;   /* the handle that it reclaims */
  byte i, was;
  byte posts;
#ifdef ONLY_OWN
  byte voided;
#endif
  bool event, temporary, took, slept, closed, settled;

  if
  :: me == ROOT -> atomic { own = 8 + TAKEN; posts = 1 + EXTRA; goto member }
  :: else
  fi;

end_wait:
  if
  :: atomic { posted[me] -> by = posted[me]; posts = (me == WORKER) }
  :: DIE(false)
  fi;

join:
  ENTER(refused);
  if
  :: atomic { GOOD(by) }
  :: atomic { !GOOD(by) -> goto exit_refused }
  :: DIE(true)
  fi;
  if
  :: atomic {
      if
      :: TAKEABLE(0) -> i = 0
      :: TAKEABLE(1) -> i = 1
      :: TAKEABLE(2) -> i = 2
      :: else -> goto exit_join
      fi;
      WRITES;
#ifdef HANDLE_LATE
      TAKE(i, NONE);
#else
      TAKE(i, by);
#endif
      i = 0
    }
  :: DIE(true)
  fi;
#ifdef HANDLE_LATE
  if
  :: atomic { WRITES; handle[number] = by }
  :: DIE(true)
  fi;
#endif
  /* RESET; it may have been reclaimed already. */
  if
  :: atomic {
      if
      :: life[number] == own -> WRITES; holds[number] = false
      :: else
      fi
    }
  :: DIE(true)
  fi;
#ifndef NO_SECOND_LOOK
  if
  :: atomic { GOOD(by) }
  :: atomic {
      !GOOD(by) ->
      WRITES;
      life[number] = (life[number] == own -> LIFE_OF(own) : life[number]);
      own = 0;
      number = 0;
      goto exit_refused
    }
  :: DIE(true)
  fi;
#endif
  if
  :: atomic {
      if
      :: GOOD(by) -> WRITES; state[PLACE(by)] = ATTENDED
      :: else
      fi
    }
  :: DIE(true)
  fi;
  /* A voided handle admits no thread. */
  if
  :: atomic { assert(GOOD(by) || life[number] != own || sweeping); entering--; goto member }
  :: DIE(true)
  fi;

exit_join:
  EXIT(join);

exit_refused:
  EXIT(refused);

refused:
  closed = true;

member:
end_member:
  if
  :: atomic { own && !closed && !took -> took = true; goto transact }
#ifdef SLEEPS_OUTSIDE
  :: atomic { own && !closed && !slept -> slept = true; WRITES; goto member }
#endif
  :: atomic { own && !closed && posts -> posts--; goto post }
  :: atomic { own && !closed -> closed = true; goto close }
  :: atomic {
      me != CHILD && posted[me + 1] && HAS_ENDED(me + 1) && !settled && (PRESENT || ANY_TAKEABLE) ->
      reclaimed = posted[me + 1]; event = true
    }
  :: atomic {
      me == ROOT && suspects < SUSPECTS && posted[WORKER] && (PRESENT || ANY_TAKEABLE) ->
      suspects++;
      reclaimed = posted[WORKER]
    }
  /* Its first look takes many steps, and may be wrong. */
  :: atomic { me == ROOT && closed && region == 1 && !entering && (DESERTED || !slept) -> slept = true; goto give_away }
  :: DIE(false)
  fi;

reclaim:
  ENTER(not_entered);
  if
  :: atomic { PRESENT }
  :: atomic {
      !PRESENT ->
      closed = true;
      WRITES;
      if
#ifdef TAKER_UNNAMED
      :: TAKEABLE(0) -> TAKE(0, NONE)
      :: TAKEABLE(1) -> TAKE(1, NONE)
      :: TAKEABLE(2) -> TAKE(2, NONE)
#else
      :: TAKEABLE(0) -> TAKE(0, by)
      :: TAKEABLE(1) -> TAKE(1, by)
      :: TAKEABLE(2) -> TAKE(2, by)
#endif
      :: else -> own = 0; number = 0; goto exit_reclaimed
      fi;
      temporary = true
    }
  :: DIE(true)
  fi;
  if
  :: atomic { temporary -> holds[number] = (life[number] == own -> false : holds[number]) } /* RESET */
  :: atomic { !temporary }
  :: DIE(true)
  fi;

  if
  :: atomic { VOID(reclaimed); sweeping++ }
  :: DIE(true)
  fi;

#ifdef HANDLES_LATE
  goto numbers;
#endif
handles:
  do
  :: atomic {
      i < PLACES ->
      if
      :: LOST_HANDLE(i) ->
        assert(trueParent[i] && !GOOD(trueParent[i]));
#ifdef ONLY_OWN
        voided = NUMBER(i);
#endif
        VOID(NUMBER(i));
        i = 0
      :: else -> i++
      fi
    }
  :: atomic { i == PLACES -> i = 0; break }
  :: DIE(true)
  od;
#ifdef HANDLES_LATE
  goto swept;
#endif

numbers:
  if
  :: atomic {
      i < NUMBERS ->
      if
      :: LOST_NUMBER(i) && !(i == number && own) -> was = LIFE_OF(life[i])
      :: else -> i++; goto numbers
      fi
    }
  :: atomic {
      i == NUMBERS ->
      i = 0;
#ifdef HANDLES_LATE
      goto handles
#else
      goto swept
#endif
    }
  :: DIE(true)
  fi;
  if
  :: atomic {
      if
      :: STANDING(life[i]) == was + TAKEN -> WRITES; life[i] = life[i] ^ (TAKEN | RECLAIMED)
      :: else
      fi
    }
  :: DIE(true)
  fi;
  if
  :: atomic {
      if
      :: STANDING(life[number]) != own -> own = 0; number = 0; temporary = false; event = false; sweeping--; goto exit_reclaimed
      :: STANDING(life[number]) == own && STANDING(life[i]) == was + RECLAIMED -> WRITES; holds[i] = false
      :: else
      fi
    }
  :: DIE(true)
  fi;
  if
  :: atomic {
      if
      :: LIFE_OF(life[i]) == was && !(life[i] & TAKEN) ->
        WRITES;
        assert(!KNOWN_ENDED(i) || dead[ownerOf[i]]);
        life[i] = was + (KNOWN_ENDED(i) -> 0 : life[i] & INSIDE)
      :: else
      fi;
      was = 0;
      i++;
      goto numbers
    }
  :: DIE(true)
  fi;

swept:
  if
  :: atomic {
      if
      :: temporary ->
        WRITES;
        life[number] = (life[number] == own -> LIFE_OF(own) : life[number]);
        own = 0;
        number = 0;
        temporary = false
      :: else
      fi;
      sweeping--
    }
  :: DIE(true)
  fi;

exit_reclaimed:
  if
  :: atomic { entering--; RECLAIM_OVER; goto member }
  :: DIE(true)
  fi;

not_entered:
  atomic { RECLAIM_OVER; goto member };

/* UNITS, the blocks, and the flag of a thread that is about to sleep. */
transact:
  if
  :: atomic { life[number] == own -> WRITES; life[number] = own | INSIDE }
  :: atomic { life[number] != own -> closed = true; own = 0; number = 0; goto member }
  :: DIE(false)
  fi;
  if
  :: atomic { WRITES; holds[number] = (life[number] == (own | INSIDE) -> true : holds[number]) }
  :: DIE(false)
  fi;
  if
  :: atomic { WRITES; life[number] = STANDING(life[number]); goto member }
  :: DIE(false)
  fi;

post:
#ifndef POSTS_OUTSIDE
  ENTER(member);
#endif
  if
  :: atomic {
      if
      :: state[0] == FREE -> i = 0
      :: state[0] != FREE && state[1] == FREE -> i = 1
      :: state[0] != FREE && state[1] != FREE && state[2] == FREE -> i = 2
      :: else -> goto exit_post
      fi;
      WRITES;
      count[i]++;
      trueParent[i] = by;
#ifdef PARENT_LATE
      state[i] = AWAITED
#else
      state[i] = RESERVED
#endif
    }
  :: DIE(true)
  fi;
  if
  :: atomic { WRITES; parent[i] = by }
  :: DIE(true)
  fi;
  if
  :: atomic {
      WRITES;
#ifndef PARENT_LATE
      state[i] = AWAITED;
#endif
      if
      :: !posted[me + 1] -> posted[me + 1] = NUMBER(i)
      :: else -> state[i] = ATTENDED
      fi
    }
  :: DIE(true)
  fi;
exit_post:
#ifdef POSTS_OUTSIDE
  atomic { i = 0; goto member };
#else
  if
  :: atomic { i = 0; entering--; goto member }
  :: DIE(true)
  fi;
#endif

close:
  ENTER(left);
  if
  :: atomic {
      if
      :: life[number] == own -> WRITES; holds[number] = false
      :: else
      fi
    }
  :: DIE(true)
  fi;
  if
  :: atomic {
      if
      :: life[number] == own -> WRITES; life[number] = LIFE_OF(own)
      :: else
      fi
    }
  :: DIE(true)
  fi;
  if
  :: atomic { entering-- }
  :: DIE(true)
  fi;
left:
  atomic { own = 0; number = 0; goto member };

give_away: /* the root alone */
  atomic {
    if
    :: serial == mine && !entering -> shut = true
    :: else -> goto member
    fi
  };
#ifndef NO_SHUT_LOOK
  atomic {
    if
    :: DESERTED
    :: else -> shut = false; goto member /* by a swap: false already if a thread has entered */
    fi
  };
#endif
  atomic {
    if
    :: shut -> serial = 0; shut = false; region = 0
    :: else -> goto member
    fi
  };
  /* Another region of the same shape, which two threads share. */
  atomic {
    region = 2;
    serial = 2;
    k = 0;
    do
    :: k < NUMBERS ->
      count[k] = 0; state[k] = FREE; parent[k] = NONE;
      handle[k] = NONE; holds[k] = false;
#ifdef LIFE_RESTARTS
      life[k] = (k < 2 -> 8 + TAKEN : 0);
#else
      life[k] = LIFE_OF(life[k]) + (k < 2 -> 8 + TAKEN : 0);
#endif
      k++
    :: else -> break
    od;
    k = 0;
    goto member
  };

gone:
  skip
}

init {
  atomic {
    life[0] = 8 + TAKEN;
#if EXTRA
    /* The place where the worker's worker had posted a handle once. */
    parent[2] = 5;
#endif
    run Thread(ROOT);
    run Thread(WORKER);
    run Thread(CHILD)
  };
  /* All have come to rest. */
  timeout;
  assert(region == 2 || lostInside || suspects && (IN_USE(0) + IN_USE(1) + IN_USE(2)));
  k = 0;
  do
  :: k < NUMBERS && region == 1 ->
    assert(!(life[k] & (TAKEN | RECLAIMED)));
    assert(!(life[k] & INSIDE) || suspects);
    assert(!holds[k]);
    k++
  :: else -> break
  od
}
