/*
 * The redefinition of a set that threads share: every interleaving of it, within bounds.
 *
 * A set counts calls, in two words that must agree. Its generations allow 1 and 2 calls in turn. Threads take a call by the
 * definition in force, or put the next definition into force. Any of them may die before any of its steps. A thread that has died
 * inside is forgotten by another at some time: it is then known to have ended.
 *
 * Region 0 is the home. Each later generation lies in one of a few rooms, which are used again.
 *
 *   to enter      INSIDE up; PRESENT must be the number of the own generation, or the thread moves first
 *   a take        enter; write to the own region; again: read HEAD; its block must be in the own region, or the thread moves; stage;
 *                 publish by a swap of HEAD, or begin again; exit
 *   to locate     read HEAD, the region of its block and that region's number; HEAD must be the same still, or begin again;
 *                 swap PRESENT from the number before to this number
 *   to move       enter; locate; note the region as the one in use; PRESENT must be its number, or begin again; exit
 *   to redefine   enter; take a room; lay out the region; again: read HEAD; its block must be in the own region, or give up; write the
 *                 state into a block of the new region; swap HEAD, or begin again; note the new region; locate; unmark the room; exit
 *   a room is taken  its maker must not be inside; locate; the present region must be another; no thread that is inside may have
 *                 noted the room's region; swap the room's state, which counts how often it was taken, to the own mark
 *
 *   here              there
 *   TAKE              sharedFront in src/core/front.ts, and transact in assembly/commit.ts
 *   locate, MOVE      Generations.locate and Generations.present in src/threads/generations.ts; Residence.move
 *   REDEFINE          Residence.redefineShared, layNext in src/core/next.ts, and redefine in assembly/redefine.ts
 *   seize             Rooms.tryTake in src/threads/rooms.ts
 *   uses, inside      USES and INSIDE in the seat
 *   forget            Seats.forget
 *
 * The lives of numbers, and the reclaim of threads that live, are in commit.pml: a thread whose life is over stays INSIDE until it exits.
 * There, each thread has two marks at most at a time: that of a room that it makes, and that of the region it uses.
 *
 * Assumed: steps of different threads interleave; and neither versions nor counts nor numbers come round.
 *
 * Ghosts, by which no step decides: how many calls were taken, and which generation is in force.
 *
 * Mutants, each of which spin must reject:
 *   NO_MOVED        a take stages whatever block the head names
 *   PRESENT_FIRST   PRESENT is set before the head
 *   NO_HELP         only the thread that redefined sets PRESENT
 *   NO_CHECK        enter without a look at PRESENT (TAKES=2: one by which the thread leaves the home)
 *   CHECK_FIRST     look at PRESENT before entering (TAKES=2: the same)
 *   BY_ADDRESS      PRESENT names a region, and not a generation
 *   BLIND_SWAP      the head is set without comparing
 *   ONE_COPY        the state is not written again after a swap that failed
 *   LOCATE_ONCE     the head is not read again after the region's number
 *   NOTE_LATE       a region is noted after PRESENT was looked at
 *   NO_NOTES        a room is taken whichever region is in use
 *   LOCATE_FIRST    the present region is found before the maker is looked at
 *   ANY_MAKER       a room is taken although its maker is inside
 *   PLAIN_SEIZE     a room is taken without comparing
 *   NO_COUNT        the state of a room is its maker and nothing else
 *   KEEP_NUMBER     a generation has the number of the one before
 */

#ifndef THREADS
#define THREADS 2
#endif
#ifndef ROOMS
#define ROOMS 2
#endif
/* Takes and redefinitions of all threads together, tried or done. */
#ifndef TAKES
#define TAKES 1
#endif
#ifndef CHANGES
#define CHANGES 3
#endif
#ifndef DEATHS
#define DEATHS 1
#endif

#define REGIONS (1 + ROOMS)
/* Blocks 2p and 2p + 1 of participant p, in each region. */
#define EACH (2 * THREADS)
#define BLOCKS (REGIONS * EACH)
#define BLOCK(head) ((head) % 32)
#define REGION(block) ((block) / EACH)
#define NEXT(head, block) (((head) / 32 + 1) * 32 + (block))
#define CALLS(number) (1 + (number) % 2)
#define POISON 99

short HEAD = 0;
byte PRESENT = 0;
byte one[BLOCKS];
byte two[BLOCKS];
byte numberOf[REGIONS];
byte callsOf[REGIONS] = 1;
/* State of each room: count * 8 + maker + 1. */
byte rooms[REGIONS];
#ifdef NO_COUNT
#define TAKEN_BY(state, p) ((p) + 1)
#else
#define TAKEN_BY(state, p) (((state) / 8 + 1) * 8 + (p) + 1)
#endif
#define MAKER(state) ((state) % 8)

bool inside[THREADS];
byte uses[THREADS];
bool dead[THREADS];

/* Ghosts. */
byte taken;
byte inForce;
byte deaths;

byte takes, changes;

#ifdef BY_ADDRESS
#define SAYS(region, number) (region)
#else
#define SAYS(region, number) (number)
#endif

/* A thread that is inside, and has found its generation to be the present one, writes only to its own. */
#define OWN_REGION assert(numberOf[my] == era)

inline enter() {
#ifdef CHECK_FIRST
  isPresent = (PRESENT == SAYS(my, era));
  inside[p] = true
#else
  inside[p] = true;
#ifdef NO_CHECK
  isPresent = true
#else
  isPresent = (PRESENT == SAYS(my, era))
#endif
#endif
}

/* To the region and the number of the present generation: at, n. */
inline locate() {
  do
  :: true ->
    head = HEAD;
    at = REGION(BLOCK(head));
    n = numberOf[at];
    if
#ifdef LOCATE_ONCE
    :: true -> break
#else
    :: HEAD == head -> break
    :: HEAD != head
#endif
    fi
  od;
#ifndef NO_HELP
  raise(n)
#endif
}

inline raise(number) {
#ifdef BY_ADDRESS
  PRESENT = at
#else
  if
  :: d_step { PRESENT + 1 == number -> PRESENT = number }
  :: PRESENT + 1 != number
  fi
#endif
}

proctype Thread(byte p) {
  short head = 0;
  byte my = 0, era = 0, at = 0, n = 0, room = 0, state = 0, dst = 0, calls = 0, t = 0;
  bool isPresent = false, moved = false;
  {
    skip;
  idle:
    skip;
    d_step { head = 0; at = 0; n = 0; room = 0; state = 0; dst = 0; calls = 0; t = 0; isPresent = false }
    if
    :: moved -> goto move
    :: d_step { !moved && takes < TAKES -> takes++ }; goto take
    :: d_step { !moved && changes < CHANGES -> changes++ }; goto change
    :: !moved -> goto done
    fi;

  take:
    enter();
    if
    :: isPresent
    :: !isPresent -> moved = true; goto exit
    fi;
    OWN_REGION;
  takeAgain:
    head = HEAD;
#ifndef NO_MOVED
    if
    :: REGION(BLOCK(head)) == my
    :: REGION(BLOCK(head)) != my && HEAD == head -> moved = true; goto exit
    :: REGION(BLOCK(head)) != my && HEAD != head -> goto takeAgain
    fi;
#endif
    dst = my * EACH + 2 * p + (BLOCK(head) == my * EACH + 2 * p);
    d_step { OWN_REGION; assert(dst != BLOCK(HEAD)); one[dst] = one[BLOCK(head)] };
    d_step { OWN_REGION; two[dst] = two[BLOCK(head)] };
    calls = callsOf[my];
    if
    :: one[dst] >= calls ->
      if
      :: d_step { HEAD == head -> assert(era == inForce && calls == CALLS(inForce) && taken >= calls) }; goto exit
      :: HEAD != head -> goto takeAgain
      fi
    :: else
    fi;
    d_step { one[dst] = one[dst] + 1; two[dst] = two[dst] + 1 };
    if
    :: d_step {
         HEAD == head ->
         HEAD = NEXT(head, dst);
         taken++;
         assert(era == inForce && calls == CALLS(inForce) && taken <= calls);
         assert(one[dst] == taken && two[dst] == taken)
       };
       goto exit
    :: HEAD != head -> goto takeAgain
    fi;

  move:
    inside[p] = true;
  moveAgain:
    locate();
#ifdef NOTE_LATE
    isPresent = (PRESENT == SAYS(at, n));
    uses[p] = at;
#else
    uses[p] = at;
    isPresent = (PRESENT == SAYS(at, n));
#endif
    if
    :: isPresent
    /* It helped PRESENT up to n, so that only a later generation can have passed it. */
    :: !isPresent -> assert(HEAD != head); goto moveAgain
    fi;
    d_step { my = at; era = n; moved = false; OWN_REGION };
    /* Reads the text. */
    OWN_REGION;
    goto exit;

  change:
    enter();
    if
    :: isPresent
    :: !isPresent -> moved = true; goto exit
    fi;
    OWN_REGION;
    /* Any of the rooms. */
    if
    :: room = 1
#if ROOMS > 1
    :: room = 2
#endif
#if ROOMS > 2
    :: room = 3
#endif
    fi;
#ifdef LOCATE_FIRST
    locate();
#endif
    state = rooms[room];
#ifndef ANY_MAKER
    if
    :: MAKER(state) && MAKER(state) - 1 != p && inside[MAKER(state) - 1] -> goto exit
    :: else
    fi;
#endif
#ifndef LOCATE_FIRST
    locate();
#endif
    if
    :: at == room -> goto exit
    :: else
    fi;
#ifndef NO_NOTES
    do
    :: t < THREADS && inside[t] && uses[t] == room -> goto exit
    :: t < THREADS && !(inside[t] && uses[t] == room) -> t++
    :: t == THREADS -> break
    od;
#endif
#ifdef PLAIN_SEIZE
    rooms[room] = TAKEN_BY(rooms[room], p);
#else
    if
    :: d_step { rooms[room] == state -> rooms[room] = TAKEN_BY(state, p) }
    :: rooms[room] != state -> goto exit
    fi;
#endif
    /* Lays out the region: nothing of it may be in use. */
    d_step {
      assert(REGION(BLOCK(HEAD)) != room);
      numberOf[room] = POISON;
      callsOf[room] = POISON;
      t = room * EACH;
      do
      :: t < room * EACH + EACH -> one[t] = POISON; two[t] = POISON + 1; t++
      :: else -> break
      od;
      t = 0
    };
#ifdef KEEP_NUMBER
    numberOf[room] = era;
#else
    numberOf[room] = era + 1;
#endif
    callsOf[room] = CALLS(era + 1);
#ifdef PRESENT_FIRST
    at = room;
    raise(era + 1);
#endif
    dst = room * EACH + 2 * p;
  changeAgain:
    head = HEAD;
    if
    :: REGION(BLOCK(head)) == my
    :: REGION(BLOCK(head)) != my && HEAD == head -> moved = true; goto unmark
    :: REGION(BLOCK(head)) != my && HEAD != head -> goto changeAgain
    fi;
#ifdef ONE_COPY
    if
    :: one[dst] != POISON -> goto swap
    :: else
    fi;
#endif
    one[dst] = one[BLOCK(head)];
    two[dst] = two[BLOCK(head)];
  swap:
    skip;
    if
#ifdef BLIND_SWAP
    :: d_step { true ->
#else
    :: d_step { HEAD == head ->
#endif
         HEAD = NEXT(head, dst);
         assert(era == inForce);
         inForce = era + 1;
         assert(one[dst] == taken && two[dst] == taken);
         assert(numberOf[room] == inForce && callsOf[room] == CALLS(inForce))
       }
#ifndef BLIND_SWAP
    :: HEAD != head -> goto changeAgain
#endif
    fi;
#ifdef NO_HELP
    raise(era + 1);
#endif
    /* Goes over to its own region, also where yet another has followed: it knows only these definitions. */
    uses[p] = room;
    locate();
    skip;
    d_step { my = room; era = era + 1; OWN_REGION };
  unmark:
    skip;
    if
    :: d_step { rooms[room] == TAKEN_BY(state, p) -> rooms[room] = rooms[room] - (p + 1) }
    :: rooms[room] != TAKEN_BY(state, p)
    fi;

  exit:
    inside[p] = false;
    goto idle
  } unless {
    dead[p]
  };
  goto end;
done:
  skip;
end:
  skip
}

/* Lets a thread die, before any of its steps. One thread lives. */
proctype Dies(byte p) {
end_dies:
  d_step { deaths < DEATHS -> deaths++; dead[p] = true }
}

/* Learns of a thread that has ended. */
proctype Forgets(byte p) {
end_forgets:
  atomic { dead[p] -> inside[p] = false }
}

/* PRESENT is never ahead of the generation in force. */
#ifndef BY_ADDRESS
active proctype Watch() {
end_watch:
  atomic { PRESENT > inForce -> assert(false) }
}
#endif

init {
  atomic {
    byte i = 0;
    do
    :: i < THREADS -> run Thread(i); run Forgets(i);
      if
      :: i > 0 -> run Dies(i)
      :: else
      fi;
      i++
    :: else -> break
    od
  }
}
