/*
 * The transaction between threads, and the reclaim of a thread that died: every interleaving, within bounds.
 *
 * A set has two limits: calls that can be taken CALLS times (a rate whose window never ends) and SLOTS slots of a
 * resource, held until they are given back. Threads take one of both, all or nothing, give the slot back, and look at
 * the whole state. Any thread may die before any of its steps. The living threads reclaim its slots and free its number,
 * and a thread that waits for a number then attaches to it.
 *
 *   here                  there
 *   TAKE, GIVE, LOOK      transact in assembly/commit.ts: TAKE; SETTLE; PROBE and INSPECT
 *   again: head = HEAD    readHead
 *   TARGET                `target` in stage: which of the two own blocks
 *   stage:                the rest of stage, one word at a time, so that other threads may write in between
 *   take:, give:          the loop over the limits of a request, on the staged block
 *   recheck:              unchanged
 *   publish:              publish
 *   RECLAIM               leave: the give-back of all that a participant holds
 *   life                  LIFE in the scratch area
 *   end_attach:           Seats.take in src/threads/seats.ts
 *   reclaimed:            Seats.free
 *
 * Assumed:
 * - Steps of different threads interleave, and each step sees all steps before it. The model leaves out weak ordering:
 *   that is why `unchanged` is a read-modify-write, and why all words outside of blocks are atomics.
 * - Between a thread's read of the head and its swap, the version does not come round to the same number. It has 48
 *   bits, so that this would take 2^48 commits. Here the version starts two short of its wrap and passes zero, and there
 *   are fewer commits in all than versions. The mutant FULL_WRAP shows that this is needed.
 * - A thread that is said to be dead is dead: it takes no more steps. At least one participant lives, and learns of it.
 *
 * Beside the words that exist there are ghosts, on which no step depends: they hold what a sequential set would hold.
 * Each operation is done to them in the step in which its swap succeeds, and the published block must then equal them.
 * The answer of a refusal or a look must fit them in the step that finds the head unchanged. A swap may fail only if a
 * commit has overtaken it: the protocol is lock-free.
 *
 * A block that is not the head, and that no thread reads or stages, has no meaning until its owner stages it again. It
 * is filled with POISON, so that any use of it shows. Besides, states that differ only in leftovers are then one state,
 * which makes the search three times smaller. -DKEEP_LEFTOVERS keeps the leftovers.
 *
 * Mutants, each of which spin must reject:
 *   NO_VERSION      the head names a block and nothing else
 *   FULL_WRAP       so few versions that they come round during one attempt
 *   BLIND_STORE     publish without comparing
 *   NO_RECHECK      answer a refusal or a look without reading the head again
 *   ONE_BLOCK       always stage in block 2p, even where it is the head
 *   SHARED_BLOCKS   two blocks for all, instead of two each
 *   HALF_REFUSED    a request that one limit refuses takes from the other
 *   LIFE_FIRST      reclaim checks once, before it reads the head, that the dead thread still has its number
 *   NO_GENERATION   a number is free or attached, and does not say in which life
 *   FREE_FIRST      reclaim frees the number before it gives back
 *   PLAIN_ATTACH    attach without comparing (NUMBERS=2: two wait for one number)
 */

/* Bounds. NUMBERS threads are participants from the start, and the others wait for a number. */
#ifndef NUMBERS
#define NUMBERS 3
#endif
#ifndef THREADS
#define THREADS 4
#endif
/* How many takes and looks each thread makes. There is no bound on giving back, reclaiming and leaving. */
#ifndef TRIES
#define TRIES 1
#endif
#ifndef DEATHS
#define DEATHS 1
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

mtype = { TAKE, GIVE, LOOK, RECLAIM };

/* The head word: version * 8 + block. */
#define BLOCK(head) ((head) % 8)
#ifdef NO_VERSION
#define NEXT(head, block) (block)
byte HEAD = 0;
#else
#define NEXT(head, block) (((head) / 8 + 1) % VERSIONS * 8 + (block))
byte HEAD = (VERSIONS - 2) * 8;
#endif

/* The blocks, 2p and 2p + 1 of participant p. Words: calls taken, slots in use, slots held by participant 0, 1, ... */
#define TAKEN 0
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

/* The life of each number: odd while a thread has it, and one more each time it is attached or freed. */
byte life[NUMBERS];
#define ATTACHED(l) ((l) % 2)
#ifdef NO_GENERATION
#define PASSED_ON(l) (1 - (l))
#else
#define PASSED_ON(l) ((l) + 1)
#endif

/* Ghosts: the sequential set. */
byte taken;
byte holds[THREADS];

/* Ghosts: which thread has which number. */
byte numberOf[THREADS];
byte ownerOf[NUMBERS];
bool dead[THREADS];
byte deaths;
byte living = NUMBERS; /* participants */
#define LOST(number) (ATTACHED(life[number]) && dead[ownerOf[number]])

/* Ghosts: each thread's attempt, 0 where there is none. Source and target are block + 1. */
#define ON_TIME 1
#define OVERTAKEN 2
byte attempt[THREADS];
byte source[THREADS];
byte target[THREADS];
byte commits;

#define POISON 99
hidden byte i, j, sum;

/* The block equals the sequential set: nothing is lost, nothing is torn, and totals are conserved. */
inline agree(block) {
  d_step {
    assert(WORD(block, TAKEN) == taken && taken <= CALLS);
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

/* No thread writes to the head's block, nor to a block that is being copied by an attempt which could still succeed. */
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

/* Marks the attempts of all other threads that have read the head before this commit. */
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

/* Ends the attempt. */
inline leave() {
  head = 0;
  refused = 0;
  attempt[me] = 0;
  source[me] = 0;
  target[me] = 0;
  sweep()
}

/* Ends the operation. Variables that are not used any more become zero, so that equal states are seen to be equal. */
inline done() {
  op = 0;
  n = 0;
  was = 0;
  victim = 0;
  leave()
}

/* The thread reclaims itself, and is not counted among the living any more. */
#define LEAVING (op == RECLAIM && n == p)

/* Every step may be this one instead: the thread dies. */
#define DIE atomic { \
    deaths < DEATHS && living + LEAVING > 1 -> \
    deaths++; living = living - !LEAVING; dead[me] = true; \
    p = 0; tries = 0; at = 0; done(); \
    goto gone \
  }

#define FIND_LOST(number) atomic { \
    LOST(number) -> \
    op = RECLAIM; n = number; was = life[number]; victim = ownerOf[number] \
  }

proctype Thread(byte me) {
  byte p;       /* its participant number */
  byte tries;
  mtype op;
  byte head;    /* HEAD as this attempt has read it */
  byte at;      /* the next word to copy */
  byte refused; /* 1: by the calls, 2: by the slots, 3: by both */
  byte n;       /* RECLAIM: whose number; GIVE: its own */
  byte was;     /* RECLAIM: life[n] as the thread knows it; or life[p] before it attaches */
  byte victim;  /* RECLAIM: a ghost, which thread had the number */
#ifdef SPLIT
  byte copied;
#endif

  d_step { p = me; tries = TRIES };
  if
  :: me < NUMBERS -> goto idle
  :: else
  fi;

end_attach: /* waits for a number, possibly for ever */
  atomic {
    if
    :: !ATTACHED(life[0]) -> p = 0
    :: !ATTACHED(life[1]) -> p = 1
#if NUMBERS > 2
    :: !ATTACHED(life[2]) -> p = 2
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
      assert(!ATTACHED(life[p]) || dead[ownerOf[p]]);
      life[p] = PASSED_ON(was);
      was = 0;
      ownerOf[p] = me;
      numberOf[me] = p;
      living++
    :: else -> was = 0; goto end_attach
    fi
  };

idle:
end_idle:
  if
  :: atomic { holds[me] -> op = GIVE; n = p }
  :: atomic { tries && !holds[me] -> op = TAKE; tries-- }
#ifndef NO_LOOKS
  :: atomic { tries -> op = LOOK; tries-- }
#endif
  :: FIND_LOST(0)
  :: FIND_LOST(1)
#if NUMBERS > 2
  :: FIND_LOST(2)
#endif
#ifdef LEAVES
  :: atomic { living > 1 -> op = RECLAIM; n = p; was = life[p]; victim = me; living-- }
#endif
  :: DIE
  fi;

#ifdef FREE_FIRST
  atomic {
    if
    :: op == RECLAIM && life[n] == was -> life[n] = PASSED_ON(was)
    :: else
    fi
  };
#endif

again:
  if
  :: atomic {
      head = HEAD;
      attempt[me] = ON_TIME;
      source[me] = BLOCK(head) + 1;
      target[me] = TARGET + 1;
      sweep();
      if
#if !defined(LIFE_FIRST) && !defined(FREE_FIRST)
      :: op == RECLAIM
#endif
      :: else -> goto stage
      fi
    }
  :: DIE
  fi;

  /* After the head was read: if the number's next owner takes something after this step, it moves the head. */
  if
  :: atomic { life[n] == was }
  :: atomic { life[n] != was -> done(); goto idle }
  :: DIE
  fi;

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
        :: op == GIVE || op == RECLAIM -> goto give
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
      :: STAGED(TAKEN) < CALLS -> put(TAKEN, STAGED(TAKEN) + 1)
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
          assert((refused % 2 == 1) == (taken == CALLS));
          assert((refused >= 2) == (WORD(BLOCK(HEAD), IN_USE) == SLOTS))
        fi;
        done();
        goto idle
#ifndef NO_RECHECK
      :: else ->
        assert(attempt[me] == OVERTAKEN);
        leave();
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
        :: op == TAKE -> taken++; holds[me]++
        :: op == GIVE -> holds[me] = 0
        :: op == RECLAIM -> holds[victim] = 0
        fi;
        agree(TARGET);
        overtake();
#ifndef FULL_WRAP
        commits++;
        assert(commits < VERSIONS);
#endif
        if
        :: op == RECLAIM -> leave(); goto reclaimed
        :: else -> done(); goto idle
        fi
#ifndef BLIND_STORE
      :: else ->
        assert(attempt[me] == OVERTAKEN);
        leave();
        goto again
#endif
      fi
    }
  :: DIE
  fi;

reclaimed:
  if
  :: atomic {
      if
      :: life[n] == was ->
        assert(holds[victim] == 0);
        life[n] = PASSED_ON(was)
      :: else /* Another thread has reclaimed it too. */
      fi;
      if
      :: LEAVING -> p = 0; tries = 0; done(); goto gone
      :: else -> done(); goto idle
      fi
    }
  :: DIE
  fi;

gone:
  skip
}

init {
  atomic {
    i = 0;
    do
    :: i < NUMBERS -> life[i] = 1; ownerOf[i] = i; numberOf[i] = i; i++
    :: else -> break
    od;
    i = 0;
    do
    :: i < THREADS -> run Thread(i); i++
    :: else -> break
    od;
    i = 0
  };
  /* All threads have come to rest. */
  timeout;
  assert(WORD(BLOCK(HEAD), IN_USE) == 0)
}
