/*
 * The transaction, INSIDE and the wake word in a memory where plain loads and stores are seen late and out of order.
 *
 * commit.pml and wake.pml let each thread see at once all that came before. Here the words of the blocks and UNITS, which
 * are read and written by plain loads and stores, are ordered by nothing but what the memory model of JavaScript and
 * WebAssembly promises:
 *
 * - Atomics are in one order, and each thread's are in its own order there.
 * - A plain access after an atomic load, or after a read-modify-write, stays after it.
 * - A plain access before an atomic store, or before a read-modify-write that writes, stays before it.
 * - Accesses of one thread to one word stay in order. A store of what was loaded comes after the load.
 * - Nothing else: a plain store may come later than atomic loads, failed swaps, and plain accesses that follow it, and two of
 *   them in any order; a plain load may come later than an atomic load that follows it.
 *
 * So each thread has a buffer of plain stores, which go to memory one by one, in any order, at any time, but before
 * the next atomic access of it that writes (AFTER_STORES). Loads are done late where something allows it: that is
 * only so in mutants. (ARMv8 is such a machine; its stores are seen by all other threads at once, as here.)
 *
 * Thread 0 commits, and is reclaimed by thread 1 though it lives; it runs on. Thread 2 gets its number. All commits add 1 to
 * both words of a block; a look finds them equal, and equal to the number of commits. In another scene, one thread
 * goes to sleep and another wakes it.
 *
 * A plain load of LIFE would do after HEAD was read, and LIFE may as well be read after the copy: the thread is INSIDE, and only
 * the swap has to come after. What an atomic load instead of the swap would not do for is the recheck.
 *
 * Claims lie in the blocks, and are checked with them. Handles, seats and the entrance are atomics alone. -DIN_ORDER keeps all
 * accesses in order: then the mutants hold, but for the last two.
 *
 * Mutants, each of which spin must reject:
 *   PLAIN_RECHECK  read the head again by a plain load
 *   LOAD_RECHECK   read the head again by an atomic load, which the loads of the block may come after
 *   PLAIN_HEAD     read the head by a plain load: those of the block may come before it, from a guess
 *   EARLY_SWAP     publish by a swap that stores may come after
 *   EARLY_EXIT     clear INSIDE by an access that stores may come after
 *   LATE_FLAG      raise the flag of a sleeper by a plain store
 *   UNITS_FIRST    write UNITS before entering
 *   NO_INSIDE      hand the number on at once
 */

/* Commits of thread 0; the others have one. */
#ifndef TRIES
#define TRIES 2
#endif

#define BLOCK(head) ((head) % 4)
byte HEAD; /* version * 4 + block */
byte memory[8]; /* two words each of four blocks */
byte units[2];

#define TAKEN 1
#define RECLAIMED 2
#define INSIDE 4
#define STANDING(l) ((l) & 251)
byte life = 8 + TAKEN; /* of number 0; number 1 is never reclaimed */

/* Plain stores under way: the value plus 1. Each thread writes two blocks of two words, and its UNITS. */
#define UNITS 4
byte late[15];
#define LATE(i) late[me * 5 + (i)]
#define AFTER_STORES (LATE(0) + LATE(1) + LATE(2) + LATE(3) + LATE(4) == 0)

/* Ghosts. */
byte commits;
bool left; /* the first life of number 0 is over, and all it held was given back */

/* The scene with a sleeper. */
bool sleeps, awake, lateFlag;
bit SLEEPERS, FREE, WAKE;

#define STORE_ARRIVES(i) \
  atomic { LATE(i) -> memory[p * 4 + i] = LATE(i) - 1; LATE(i) = 0 }
#define STORES_ARRIVE \
  STORE_ARRIVES(0) \
  :: STORE_ARRIVES(1) \
  :: STORE_ARRIVES(2) \
  :: STORE_ARRIVES(3) \
  :: atomic { LATE(UNITS) -> units[p] = LATE(UNITS) - 1; LATE(UNITS) = 0 }

#ifdef IN_ORDER
#define MAY_COME_LATE AFTER_STORES
#define MAY_COME_EARLY (loaded[0] && loaded[1])
#define FLAG_MAY_BE_LATE !lateFlag
#else
#define MAY_COME_LATE true
#define MAY_COME_EARLY true
#define FLAG_MAY_BE_LATE true
#endif
#ifdef EARLY_SWAP
#define SWAP_AFTER MAY_COME_LATE
#else
#define SWAP_AFTER AFTER_STORES
#endif
#ifdef EARLY_EXIT
#define EXIT_AFTER MAY_COME_LATE
#else
#define EXIT_AFTER AFTER_STORES
#endif
#ifdef NO_INSIDE
#define MINE (p == 1 || life == own)
#define UP 0
#else
#define MINE (p == 1 || life == (own | INSIDE))
#define UP INSIDE
#endif

/* The word of the thread's own blocks, from 0 to 3. */
#define TARGET (2 * (BLOCK(head) == 2 * p))

proctype Thread(byte me) {
  byte p, own, tries, head, reread, at;
  byte value[2];
  bool loaded[2];
  bool looks, leaves, rechecked;

  atomic { p = (me == 1); tries = (me == 0 -> TRIES : 1) };
  if
  :: me == 2 ->
end_attach:
    atomic { !(life & (TAKEN | INSIDE)) -> life = (life & 248) + 8 + TAKEN; own = life }
  :: else -> own = 8 + TAKEN
  fi;

idle:
end_idle:
  do
  :: atomic { tries -> tries--; looks = false; break }
  :: atomic { tries && me == 1 -> tries--; looks = true; break }
  :: atomic {
      me == 1 && STANDING(life) == 8 + TAKEN && AFTER_STORES ->
      life = life ^ (TAKEN | RECLAIMED);
      leaves = true;
      break
    }
  :: STORES_ARRIVE
  od;

#ifdef UNITS_FIRST
  atomic { LATE(UNITS) = me + 1 };
#endif
  do /* enter */
  :: atomic { p == 0 && life == own && AFTER_STORES -> life = life | UP; break }
  :: atomic { p == 0 && life != own -> goto gone }
  :: atomic { p == 1 -> break }
  :: STORES_ARRIVE
  od;
#ifndef UNITS_FIRST
  LATE(UNITS) = me + 1;
#endif

again:
#if defined(PLAIN_HEAD) && !defined(IN_ORDER)
  /* The block is guessed, and its loads come first. */
  if
  :: at = 0
  :: at = 1
  :: at = 2
  :: at = 3
  fi;
  do
  :: atomic { !loaded[0] -> value[0] = memory[at * 2]; loaded[0] = true }
  :: atomic { !loaded[1] -> value[1] = memory[at * 2 + 1]; loaded[1] = true }
  :: atomic { loaded[0] && loaded[1] && BLOCK(HEAD) == at -> head = HEAD; break }
  :: atomic { loaded[0] && loaded[1] && BLOCK(HEAD) != at -> loaded[0] = false; loaded[1] = false; goto again }
  :: STORES_ARRIVE
  od;
#else
  do
  :: atomic { head = HEAD; break }
  :: STORES_ARRIVE
  od;
#endif
  do
  :: atomic { MINE -> break }
  :: atomic { !MINE -> goto exit }
  :: STORES_ARRIVE
  od;

  do
  :: atomic { !loaded[0] -> value[0] = memory[BLOCK(head) * 2]; loaded[0] = true }
  :: atomic { !loaded[1] -> value[1] = memory[BLOCK(head) * 2 + 1]; loaded[1] = true }
#ifdef PLAIN_RECHECK
  :: atomic { looks && !rechecked && MAY_COME_EARLY -> reread = HEAD; rechecked = true }
#endif
#ifdef LOAD_RECHECK
  :: atomic { looks && !rechecked && MAY_COME_EARLY -> reread = HEAD; rechecked = true }
#endif
  :: atomic {
      loaded[0] && loaded[1] ->
      if
      :: !looks ->
        /* A take adds its own request to both; what it loaded of UNITS is its own store, or the memory's. */
        at = (LATE(UNITS) -> LATE(UNITS) - 1 : units[p]) == me;
        LATE(TARGET) = value[0] + at + 1;
        LATE(TARGET + 1) = value[1] + at + 1
      :: else
      fi;
      break
    }
  :: STORES_ARRIVE
  od;

  do
#ifdef PLAIN_RECHECK
  :: atomic { looks && !rechecked && MAY_COME_EARLY -> reread = HEAD; rechecked = true }
  :: atomic {
      looks && rechecked ->
#else
#ifdef LOAD_RECHECK
  :: atomic { looks && !rechecked && MAY_COME_EARLY -> reread = HEAD; rechecked = true }
  :: atomic {
      looks && rechecked ->
#else
  :: atomic {
      looks && AFTER_STORES ->
      reread = HEAD;
#endif
#endif
      if
      :: reread == head -> assert(value[0] == value[1]); break
      :: else -> break
      fi
    }
  :: atomic {
      !looks && HEAD == head && SWAP_AFTER ->
      assert(me != 0 || !left);
      HEAD = (head / 4 + 1) * 4 + 2 * p + TARGET / 2;
      commits++;
      assert(value[0] + 1 == commits && value[1] + 1 == commits && at == 1);
      left = left || leaves;
      reread = head;
      break
    }
  :: atomic { !looks && HEAD != head -> reread = HEAD; break }
  :: STORES_ARRIVE
  od;
  atomic {
    value[0] = 0; value[1] = 0; loaded[0] = false; loaded[1] = false; rechecked = false; at = 0;
    if
    :: reread != head -> reread = 0; head = 0; goto again
    :: else
    fi
  };

exit:
  do
  :: atomic { EXIT_AFTER -> life = (p == 0 -> STANDING(life) : life); break }
  :: STORES_ARRIVE
  od;
  atomic {
    reread = 0; head = 0;
    if
    :: leaves -> leaves = false; life = (STANDING(life) == 8 + RECLAIMED -> (life & INSIDE) + 8 : life)
    :: else
    fi;
    goto idle
  };

gone:
end_gone:
  do
  :: STORES_ARRIVE
  od
}

/* FREE stands for the state that HEAD names. */
proctype Sleeper() {
  bit seen;
  seen = WAKE;
#ifdef LATE_FLAG
  lateFlag = true;
#else
  SLEEPERS = 1;
#endif
  do /* the try */
  :: atomic { FREE && FLAG_MAY_BE_LATE -> awake = true; goto over }
  :: atomic { !FREE && FLAG_MAY_BE_LATE -> break }
  :: atomic { lateFlag -> lateFlag = false; SLEEPERS = 1 }
  od;
  do
  :: atomic { WAKE != seen -> awake = true; goto over }
  :: atomic { WAKE == seen -> sleeps = true; break }
  :: atomic { lateFlag -> lateFlag = false; SLEEPERS = 1 }
  od;
over:
end_over:
  do
  :: atomic { lateFlag -> lateFlag = false; SLEEPERS = 1 }
  od
}

proctype Waker() {
  FREE = 1;
  if
  :: SLEEPERS == 0
  :: atomic { SLEEPERS == 1 -> SLEEPERS = 0 };
    WAKE = 1;
    atomic { awake = awake || sleeps }
  fi
}

init {
  if
  :: atomic { run Sleeper(); run Waker() };
    timeout;
    assert(awake)
  :: atomic { run Thread(0); run Thread(1); run Thread(2) };
    timeout;
    assert(memory[BLOCK(HEAD) * 2] == commits && memory[BLOCK(HEAD) * 2 + 1] == commits)
  fi
}
