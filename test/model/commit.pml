/*
 * The transaction between threads, and the reclaim of threads that have ended or still live: every interleaving of it,
 * within bounds.
 *
 * A set holds two limits: calls that can be taken CALLS times (a rate whose window never ends) and SLOTS slots of a
 * resource, held until given back. Threads take one of both, all or nothing, give the slot back, and look at the
 * whole state. Any of them may die before any of its steps. The others reclaim what a dead thread held, and may also
 * reclaim a thread that lives: it runs on, at any speed, with a number that another thread gets next.
 *
 * A number is FREE, TAKEN or RECLAIMED, in one of its lives, and beside that its thread may be INSIDE a transaction.
 * All of this is one word, LIFE:
 *
 *   to attach     number neither TAKEN nor INSIDE: swap it to TAKEN in the next life; then RESET
 *   to enter      swap TAKEN to TAKEN + INSIDE; if that fails, the thread was reclaimed
 *   a transaction enter; write UNITS; again: read HEAD; LIFE must still be TAKEN + INSIDE in the own life; stage;
 *                 publish by a swap of HEAD, or begin again; exit
 *   to exit       clear INSIDE, whatever else LIFE says
 *   to reclaim n  swap TAKEN to RECLAIMED, INSIDE stays; then a transaction by the own number, which also goes on only
 *                 while n is RECLAIMED in that life, gives back all that n holds, and publishes even if that is nothing;
 *                 then swap RECLAIMED to FREE, INSIDE stays unless the thread of n is known to have ended.
 *                 A reclaim that finds RECLAIMED does the same from there, so that another can finish it.
 *   RESET         the first transaction of each life: gives back all that the number holds
 *   to leave      a transaction that gives back all that the own number holds; then swap TAKEN to FREE
 *
 *   here                  there
 *   TAKE, GIVE, LOOK      transact in assembly/commit.ts: TAKE; SETTLE; PROBE and INSPECT
 *   again: head = HEAD    readHead
 *   TARGET                `target` in stage: which of the two own blocks
 *   stage:                the rest of stage, a word at a time, so that others may write in between
 *   take:, give:          the loop over the limits of a request, on the staged block
 *   recheck:              unchanged
 *   publish:              publish
 *   RECLAIM, RESET, LEAVE leave: the give-back of all that a participant holds
 *   life                  LIFE in the number's seat, the lower half of a 64-bit word; HANDLE is the upper half
 *   enter:, EXIT          enter and exit
 *   OWN_LIFE              lifeOf in transact and leave, after readHead
 *   units                 UNITS in the scratch area: here, which thread's request they are
 *   end_attach:           Seats.take in src/threads/seats.ts
 *   MARK                  Seats.end
 *   freed:                Seats.free, for a reclaim and for a thread that leaves
 *   knows                 Membership.forgetWorker in src/threads/membership.ts, by Seats.forget
 *
 * There, a thread enters once for all that it does for a reclaim: for the marks, and for the give-back of several numbers. So it
 * is INSIDE for longer than here, and its own number is kept from others for longer. There, INSIDE of a thread that is known to
 * have ended is lowered before the reclaim, and here in its last step: that thread takes no steps in between. All accesses of LIFE
 * have 64 bits there, since accesses of different widths are not ordered among themselves.
 *
 * Assumed:
 * - Steps of different threads interleave; each sees all that came before it. weak.pml is for what is seen late.
 * - While a thread is between reading the head and its swap, the version does not come round to the same number. Of
 *   its 38 bits that would be 2^38 commits; here the version starts two short of its wrap and passes zero, and there
 *   are fewer commits in all than versions. The mutant FULL_WRAP shows that this is needed.
 * - A thread that is known to have ended takes no more steps. At least one participant lives, and learns of it. Of a
 *   thread that is reclaimed otherwise nothing is assumed.
 *
 * Beside the words that exist there are ghosts, which no step decides by: what the sequential set would hold. Each
 * operation is done to them in the very step in which its swap succeeds; then the published block must equal them.
 * The answer of a refusal or a look must fit them in the step that finds the head unchanged. A failed swap must have
 * been overtaken by a commit: the whole is lock-free. A new life begins with a number that holds nothing.
 *
 * A block that is neither the head nor read nor staged by any thread has no meaning until its owner stages it again. It
 * is filled with POISON then: a thread that would still use it is found out, and states that differ only in leftovers
 * are one state, which makes the search three times smaller. -DKEEP_LEFTOVERS leaves them.
 *
 * Mutants, each of which spin must reject:
 *   NO_VERSION      the head names a block and nothing else
 *   FULL_WRAP       so few versions that they come round during one attempt
 *   BLIND_STORE     publish without comparing
 *   NO_RECHECK      answer a refusal or a look without reading the head again
 *   ONE_BLOCK       always stage in block 2p, even where it is the head
 *   SHARED_BLOCKS   two blocks for all, instead of two each
 *   HALF_REFUSED    a request that one limit refuses takes from the other
 *   NO_INSIDE       a number is handed on although its thread may be inside
 *   INSIDE_WORD     INSIDE is a word of its own: stored before LIFE is read, and 0 after (SUSPECTS=2: two old lives)
 *   UNITS_FIRST     write UNITS before entering
 *   LIFE_ONCE       read LIFE on entering, and not again after HEAD
 *   OWN_LIFE_FIRST  read the own LIFE again before HEAD instead
 *   BLIND_EXIT      exit by storing TAKEN
 *   LIFE_FIRST      reclaim looks once whether the number is still RECLAIMED, before it reads the head
 *   GIVE_FIRST      reclaim gives back before it makes the number RECLAIMED
 *   FREE_FIRST      reclaim frees the number before it gives back
 *   QUIET_LEAVE     reclaim publishes nothing where the number holds nothing
 *   UNGUARDED       reclaim does not look at the own LIFE (SUSPECTS=2: the reclaimer is reclaimed)
 *   ALL_ENDED       reclaim takes every thread for one that has ended
 *   NO_RESET        attach to a RECLAIMED number without giving back what it holds
 *   TAKEN_ONLY      only FREE numbers are attached to, and reclaim leaves RECLAIMED ones alone
 *   NO_GENERATION   a number is free or taken, and not by which thread (SUSPECTS=2: the same number again)
 *   PLAIN_ATTACH    attach without comparing 
 */

/* Bounds. NUMBERS threads are participants from the start; the others wait for a number. */
#ifndef NUMBERS
#define NUMBERS 2
#endif
#ifndef THREADS
#define THREADS 3
#endif
/* Takes and looks of each thread. Giving back, reclaiming and leaving are not counted. */
#ifndef TRIES
#define TRIES 1
#endif
#ifndef DEATHS
#define DEATHS 1
#endif
/* How often a thread is reclaimed that is not known to have ended. */
#ifndef SUSPECTS
#define SUSPECTS 1
#endif
#ifndef CALLS
#define CALLS 2
#endif
#ifndef SLOTS
#define SLOTS 1
#endif
#ifdef FULL_WRAP
#define VERSIONS 2
#else
#define VERSIONS 32
#endif

mtype = { TAKE, GIVE, LOOK, RECLAIM, RESET, LEAVE };

/* The head word: version * 8 + block. */
#define BLOCK(head) ((head) % 8)
#ifdef NO_VERSION
#define NEXT(head, block) (block)
byte HEAD = 0;
#else
#define NEXT(head, block) (((head) / 8 + 1) % VERSIONS * 8 + (block))
byte HEAD = (VERSIONS - 2) * 8;
#endif

/* The blocks, 2p and 2p + 1 of participant p. Words: calls spent, slots in use, slots held by participant 0, 1, ... */
#define SPENT 0
#define IN_USE 1
#define HELD 2
#define WORDS (HELD + NUMBERS)
#define WORD(block, i) memory[(block) * WORDS + (i)]
byte memory[2 * NUMBERS * WORDS];

#ifdef ONE_BLOCK
#define TARGET (2 * p)
#else
#ifdef SHARED_BLOCKS
#define TARGET (1 - BLOCK(head))
#else
#define TARGET (2 * p + (BLOCK(head) == 2 * p))
#endif
#endif
#define STAGED(i) WORD(TARGET, i)

/* Request of the thread that has the number: me + 1. */
byte units[NUMBERS];

/* LIFE of each number: the count of its lives, and flags. A number that is neither TAKEN nor RECLAIMED is free. */
#define TAKEN 1
#define RECLAIMED 2
#define INSIDE 4
byte life[NUMBERS];
#define LIFE_OF(l) ((l) & 248)
#define STANDING(l) ((l) & 251) /* all but INSIDE */
#ifdef NO_GENERATION
#define NEXT_LIFE(l) TAKEN
#else
#define NEXT_LIFE(l) (LIFE_OF(l) + 8 + TAKEN)
#endif

#ifdef INSIDE_WORD
byte inside[NUMBERS];
#define IS_INSIDE(n) (inside[n] == LIFE_OF(life[n]) + TAKEN)
#define ENTERED own
#else
#ifdef NO_INSIDE
#define IS_INSIDE(n) false
#define ENTERED own
#else
#define IS_INSIDE(n) (life[n] & INSIDE)
#define ENTERED (own | INSIDE)
#endif
#endif

#ifdef TAKEN_ONLY
#define TAKEABLE(n) (!(life[n] & (TAKEN | RECLAIMED)) && !IS_INSIDE(n))
#else
#define TAKEABLE(n) (!(life[n] & TAKEN) && !IS_INSIDE(n))
#endif

/* Ghosts: the sequential set. */
byte spent;
byte holds[THREADS];

/* Ghosts: which thread is which participant. */
byte numberOf[THREADS];
byte ownerOf[NUMBERS];
bool dead[THREADS];
byte deaths;
byte suspects;
#ifdef LEAVES
bool leaving[THREADS];
#define ALIVE(n) ((life[n] & TAKEN) && !dead[ownerOf[n]] && !leaving[ownerOf[n]])
#else
#define ALIVE(n) ((life[n] & TAKEN) && !dead[ownerOf[n]])
#endif
#if NUMBERS > 2
#define LIVING (ALIVE(0) + ALIVE(1) + ALIVE(2))
#else
#if NUMBERS > 1
#define LIVING (ALIVE(0) + ALIVE(1))
#else
#define LIVING ALIVE(0)
#endif
#endif

/* Ghosts: each thread's attempt, 0 where there is none. Source and target are block + 1. */
#define ON_TIME 1
#define OVERTAKEN 2
byte attempt[THREADS];
byte source[THREADS];
byte target[THREADS];
byte commits;

#define POISON 99
hidden byte i, j, sum;

/* The block is what the sequential set would be: nothing lost, nothing torn, totals conserved. */
inline agree(block) {
  d_step {
    assert(WORD(block, SPENT) == spent && spent <= CALLS);
    sum = 0;
    i = 0;
    do
    :: i < THREADS ->
      assert(holds[i] == 0 || WORD(block, HELD + numberOf[i]) == holds[i]);
      sum = sum + holds[i];
      i++
    :: else -> break
    od;
    assert(WORD(block, IN_USE) == sum && sum <= SLOTS);
    i = 0;
    do
    :: i < NUMBERS -> sum = sum - WORD(block, HELD + i); i++
    :: else -> break
    od;
    assert(sum == 0);
    i = 0
  }
}

/* No thread writes the head, nor what an attempt copies that could still succeed. */
inline mayWrite() {
  d_step {
    assert(TARGET != BLOCK(HEAD));
    i = 0;
    do
    :: i < THREADS -> assert(source[i] != TARGET + 1 || attempt[i] == OVERTAKEN); i++
    :: else -> break
    od;
    i = 0
  }
}

inline put(at, value) {
  mayWrite();
  STAGED(at) = value
}

/* All others that have read the head before this commit. */
inline overtake() {
  d_step {
    i = 0;
    do
    :: i < THREADS -> attempt[i] = (attempt[i] -> OVERTAKEN : 0); i++
    :: else -> break
    od;
    i = 0
  }
}

inline sweep() {
#ifdef KEEP_LEFTOVERS
  skip
#else
  d_step {
    i = 0;
    do
    :: i < 2 * NUMBERS ->
      j = 0;
      do
      :: j < THREADS && source[j] != i + 1 && target[j] != i + 1 -> j++
      :: else -> break
      od;
      if
      :: j == THREADS && i != BLOCK(HEAD) ->
        j = 0;
        do
        :: j < WORDS -> WORD(i, j) = POISON; j++
        :: else -> break
        od
      :: else
      fi;
      i++
    :: else -> break
    od;
    i = 0;
    j = 0
  }
#endif
}

/* All that n holds came back: but a reclaim must take nothing from a life that came after the one it reclaims. */
inline givenBack() {
  d_step {
    i = 0;
    do
    :: i < THREADS ->
      if
      :: numberOf[i] == n && (op == RESET || LIFE_OF(life[n]) == was || i != ownerOf[n]) -> holds[i] = 0
      :: else
      fi;
      i++
    :: else -> break
    od;
    i = 0
  }
}

/* Ends the attempt. */
inline retire() {
  head = 0;
  refused = 0;
  attempt[me] = 0;
  source[me] = 0;
  target[me] = 0;
  sweep()
}

/* Ends the operation. What is not used any more is zero, so that equal states are seen to be equal. */
inline done() {
  op = 0;
  n = 0;
  was = 0;
  knows = false;
  retire()
}

/* Ends a thread's part: it has no number any more. */
inline part() {
  own = 0;
  at = 0;
  done()
}

/* A way out of every step: die instead. One participant lives on. */
#define STANDS (STANDING(life[p]) == own && op != LEAVE)
#define DIE atomic { \
    deaths < DEATHS && LIVING > STANDS -> \
    deaths++; dead[me] = true; \
    part(); p = 0; tries = 0; \
    goto gone \
  }

/* The number's thread has ended, or its reclaim is not finished. */
#define UNFINISHED(l) ((l) & (TAKEN | RECLAIMED | INSIDE))
#ifdef TAKEN_ONLY
#define FOUND(number) (dead[ownerOf[number]] && (life[number] & TAKEN))
#else
#define FOUND(number) \
  (dead[ownerOf[number]] && (UNFINISHED(life[number]) || IS_INSIDE(number)) || (life[number] & RECLAIMED))
#endif
#define FIND(number) atomic { \
    FOUND(number) && number != p -> \
    op = RECLAIM; n = number; was = LIFE_OF(life[number]); \
    knows = dead[ownerOf[number]] \
  }
#define SUSPECT(number) atomic { \
    suspects < SUSPECTS && (life[number] & TAKEN) && number != p -> \
    suspects++; \
    op = RECLAIM; n = number; was = LIFE_OF(life[number]) \
  }

/* LIFE of n, from TAKEN to RECLAIMED. */
#define MARK \
  if \
  :: STANDING(life[n]) == was + TAKEN -> life[n] = life[n] ^ (TAKEN | RECLAIMED) \
  :: else \
  fi

#ifdef FREE_FIRST
#define FREE_NOW FREE
#else
#define FREE_NOW skip
#endif

/* LIFE of n, from RECLAIMED to FREE. */
#ifdef ALL_ENDED
#define ENDED true
#else
#define ENDED knows
#endif
#ifdef INSIDE_WORD
#define NOT_INSIDE inside[n] = (inside[n] == was + TAKEN -> 0 : inside[n])
#else
#define NOT_INSIDE life[n] = STANDING(life[n])
#endif
#define FREE \
  if \
  :: LIFE_OF(life[n]) == was && !(life[n] & TAKEN) -> \
    life[n] = life[n] & ~RECLAIMED; \
    if \
    :: ENDED -> NOT_INSIDE \
    :: else \
    fi \
  :: else /* Another has freed it too. */ \
  fi

#define WRITE_UNITS units[p] = (op == TAKE -> me + 1 : units[p])

/* Goes on only in the own life. */
#ifdef UNGUARDED
#define OWN_LIFE \
  if \
  :: op == RECLAIM || life[p] == ENTERED \
  :: else -> done(); goto exit \
  fi
#else
#define OWN_LIFE \
  if \
  :: life[p] == ENTERED \
  :: else -> done(); goto exit \
  fi
#endif

#ifdef INSIDE_WORD
#define NOT_ENTERED goto exit
#define EXIT inside[p] = 0
#else
#define NOT_ENTERED goto lost
#ifdef NO_INSIDE
#define EXIT skip
#else
#ifdef BLIND_EXIT
#define EXIT life[p] = own
#else
#define EXIT life[p] = STANDING(life[p])
#endif
#endif
#endif

/* The transaction is over. RECLAIM and LEAVE go on by freeing the number. */
#define OVER \
  if \
  :: op == RECLAIM || op == LEAVE -> retire() \
  :: else -> done() \
  fi

proctype Thread(byte me) {
  byte p;       /* its participant number */
  byte own;     /* LIFE of that number, as this thread has taken it */
  byte tries;
  mtype op;
  byte head;    /* as this attempt has read it */
  byte at;      /* the next word to copy */
  byte refused; /* 1: by the calls, 2: by the slots, 3: by both */
  byte n;       /* RECLAIM: whose number; else its own */
  byte was;     /* RECLAIM: the life of n as it was known; or life[p] before attaching */
  bool knows;   /* RECLAIM: the thread of n is known to have ended */
#ifdef SPLIT
  byte copied;
#endif

  d_step { tries = TRIES };
  if
  :: me < NUMBERS -> atomic { p = me; own = 8 + TAKEN; goto idle }
  :: else
  fi;

end_attach: /* waits for a number: that may be for ever */
  atomic {
    if
    :: TAKEABLE(0) && !holds[me] -> p = 0
#if NUMBERS > 1
    :: TAKEABLE(1) && !holds[me] -> p = 1
#endif
#if NUMBERS > 2
    :: TAKEABLE(2) && !holds[me] -> p = 2
#endif
    fi;
    was = life[p]
  };
  atomic {
    if
#ifdef PLAIN_ATTACH
    :: true ->
#else
    :: life[p] == was ->
#endif
      assert(!(life[p] & TAKEN));
      life[p] = NEXT_LIFE(was);
      own = life[p];
      was = 0;
      ownerOf[p] = me;
      if
      :: holds[me] == 0 -> numberOf[me] = p
      :: else
      fi;
      op = RESET;
      n = p;
#ifdef NO_RESET
      done();
      goto idle
#else
      goto enter
#endif
    :: else -> was = 0; goto end_attach
    fi
  };

idle:
end_idle:
  if
  :: atomic { holds[me] && numberOf[me] == p -> op = GIVE; n = p; goto enter }
  :: atomic { tries && !holds[me] -> op = TAKE; n = p; tries--; goto enter }
#ifndef NO_LOOKS
  :: atomic { tries -> op = LOOK; n = p; tries--; goto enter }
#endif
  :: FIND(0)
  :: SUSPECT(0)
#if NUMBERS > 1
  :: FIND(1)
  :: SUSPECT(1)
#endif
#if NUMBERS > 2
  :: FIND(2)
  :: SUSPECT(2)
#endif
#ifdef LEAVES
  :: atomic { LIVING > STANDS -> op = LEAVE; n = p; leaving[me] = true; goto enter }
#endif
  :: atomic { STANDING(life[p]) != own -> goto lost }
  :: DIE
  fi;

#ifndef GIVE_FIRST
  /* RECLAIM. To die here is to die before. */
  atomic {
    MARK;
    if
    :: STANDING(life[n]) == was + RECLAIMED -> FREE_NOW
    :: else -> goto freed
    fi
  };
#endif

enter:
#ifdef UNITS_FIRST
  if
  :: atomic { WRITE_UNITS }
  :: DIE
  fi;
#endif
#ifdef UNGUARDED
  if
  :: op == RECLAIM -> goto again
  :: else
  fi;
#endif
#ifdef INSIDE_WORD
  if
  :: atomic { inside[p] = own }
  :: DIE
  fi;
#endif
  if
  :: atomic { life[p] == own -> life[p] = ENTERED }
  :: atomic { life[p] != own -> done(); NOT_ENTERED }
  :: DIE
  fi;
#ifndef UNITS_FIRST
  if
  :: atomic { op == TAKE -> WRITE_UNITS }
  :: atomic { op != TAKE }
  :: DIE
  fi;
#endif

again:
#ifdef OWN_LIFE_FIRST
  if
  :: atomic { OWN_LIFE }
  :: DIE
  fi;
#endif
#ifdef LIFE_FIRST
  if
  :: atomic { op == RECLAIM && STANDING(life[n]) != was + RECLAIMED -> done(); goto exit }
  :: atomic { op != RECLAIM || STANDING(life[n]) == was + RECLAIMED }
  :: DIE
  fi;
#endif
  if
  :: atomic {
      head = HEAD;
      attempt[me] = ON_TIME;
      source[me] = BLOCK(head) + 1;
      target[me] = TARGET + 1;
      sweep()
    }
  :: DIE
  fi;

  /* Only now: what the number's thread takes after the give-back of a reclaim, it would take from a later head. */
#if !defined(LIFE_ONCE) && !defined(OWN_LIFE_FIRST)
  if
  :: atomic { OWN_LIFE }
  :: DIE
  fi;
#endif
  /* Only now: a new owner of n that takes something after this moves the head. */
#if !defined(LIFE_FIRST) && !defined(FREE_FIRST) && !defined(GIVE_FIRST)
  if
  :: atomic { op != RECLAIM || STANDING(life[n]) == was + RECLAIMED }
  :: atomic { op == RECLAIM && STANDING(life[n]) != was + RECLAIMED -> done(); goto exit }
  :: DIE
  fi;
#endif

stage:
  do
  :: atomic {
#ifdef SPLIT
      copied = WORD(BLOCK(head), at)
    };
    if
    :: DIE
    :: atomic {
      put(at, copied);
      copied = 0;
#else
      put(at, WORD(BLOCK(head), at));
#endif
      at++;
      if
      :: at < WORDS
      :: else ->
        at = 0;
        source[me] = 0;
        sweep();
        if
        :: op == TAKE -> goto take
        :: op == LOOK -> goto recheck
        :: else -> goto give
        fi
      fi
    }
#ifdef SPLIT
    fi
#endif
  :: DIE
  od;

take:
  if
  :: atomic {
      if
      :: STAGED(SPENT) < CALLS -> put(SPENT, STAGED(SPENT) + (units[p] == me + 1 -> 1 : CALLS + 1))
      :: else -> refused = 1
      fi
    }
  :: DIE
  fi;
  if
  :: atomic {
      if
      :: STAGED(IN_USE) < SLOTS -> put(IN_USE, STAGED(IN_USE) + 1)
      :: else ->
        refused = refused + 2;
#ifdef HALF_REFUSED
        if
        :: refused == 2 -> goto publish
        :: else
        fi;
#endif
        goto recheck
      fi
    }
  :: DIE
  fi;
  if
  :: atomic {
      put(HELD + p, STAGED(HELD + p) + 1);
      if
      :: refused -> goto recheck
      :: else -> goto publish
      fi
    }
  :: DIE
  fi;

give:
#ifdef QUIET_LEAVE
  atomic {
    if
    :: op == RECLAIM && STAGED(HELD + n) == 0 -> goto recheck
    :: else
    fi
  };
#endif
  if
  :: atomic { put(IN_USE, STAGED(IN_USE) - STAGED(HELD + n)) }
  :: DIE
  fi;
  if
  :: atomic { put(HELD + n, 0); goto publish }
  :: DIE
  fi;

recheck:
  if
  :: atomic {
      if
#ifdef NO_RECHECK
      :: true ->
#else
      :: HEAD == head ->
#endif
        if
        :: op == LOOK -> agree(TARGET)
        :: op == TAKE ->
          assert((refused % 2 == 1) == (spent == CALLS));
          assert((refused >= 2) == (WORD(BLOCK(HEAD), IN_USE) == SLOTS))
        :: else
        fi;
        OVER;
        goto exit
#ifndef NO_RECHECK
      :: else ->
        assert(attempt[me] == OVERTAKEN);
        retire();
        goto again
#endif
      fi
    }
  :: DIE
  fi;

publish:
  if
  :: atomic {
      if
#ifdef BLIND_STORE
      :: true ->
#else
      :: HEAD == head ->
#endif
        HEAD = NEXT(head, TARGET);
        if
        :: op == TAKE -> spent++; holds[me]++
        :: op == GIVE -> holds[me] = 0
        :: op == LEAVE -> holds[me] = 0
        :: else ->
          givenBack()
        fi;
        agree(TARGET);
        overtake();
#ifndef FULL_WRAP
        commits++;
        assert(commits < VERSIONS);
#endif
        OVER
#ifndef BLIND_STORE
      :: else ->
        assert(attempt[me] == OVERTAKEN);
        retire();
        goto again
#endif
      fi
    }
  :: DIE
  fi;

exit:
  if
  :: atomic {
      units[p] = (units[p] == me + 1 -> 0 : units[p]);
      EXIT;
      if
      :: op == 0 -> goto idle
      :: else
      fi
    }
  :: DIE
  fi;

freed: /* RECLAIM and LEAVE */
  if
  :: atomic {
      if
      :: op == LEAVE ->
        if
        :: life[p] == own -> life[p] = LIFE_OF(own)
        :: else
        fi;
        part(); p = 0; tries = 0;
        goto gone
      :: else ->
#ifdef GIVE_FIRST
        MARK;
#endif
        FREE;
        done();
        goto idle
      fi
    }
  :: DIE
  fi;

lost: /* It was reclaimed. It may attach again, as another thread would. */
  atomic { part(); p = 0; goto end_attach };

gone:
  skip
}

init {
  atomic {
    i = 0;
    do
    :: i < NUMBERS -> life[i] = 8 + TAKEN; ownerOf[i] = i; numberOf[i] = i; i++
    :: else -> break
    od;
    i = 0;
    do
    :: i < THREADS -> run Thread(i); i++
    :: else -> break
    od;
    i = 0
  };
  /* All have come to rest. */
  timeout;
  assert(WORD(BLOCK(HEAD), IN_USE) == 0)
}
