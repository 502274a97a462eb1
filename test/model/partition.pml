/*
 * The protocol by which threads share partitions (assembly/partitions/among.ts, records.ts, give-back.ts), for exhaustive checking with spin
 * in every interleaving.
 *
 * Words (64 bits there: version, tag, node) are the places of a table, then one slot (spare node) for each participant and dimension. Each
 * node is named by exactly one word. A transaction writes the next state of a partition into its own spare node, notes the exchange in its
 * block (word, old, new: places first, slots last), and swaps the head. A participant that finds a block with records as the head does them
 * first: compare-and-swap of each word from the exact old. The author does them too, and takes them out of the block then.
 *
 *   CALL   limits of all only (they do the records too)  TAKE, GIVE   one of all and one partition (TWO=1: two)
 *   LOOK   reads and takes nothing                       RECLAIM      gives back what a dead one held, place by place
 *   PIN, UNPIN (PINS)  says that it waits for a partition, which keeps its place then; and that it waits no more
 *
 * A new name gets a vacant place and a node never used (FRESH); or the place and the node of a recovered one (REPLACE); or a vacant place and
 * the node of a recovered one elsewhere (MOVE_NODE). A dead participant's number gets a new life after its reclaim, with the slots that it
 * finds. TORN copies a block in steps; COARSE copies a node in one.
 *
 * Not here: the torn copy of a block, and a participant that is reclaimed while it lives, are in commit.pml. The state that names share where
 * there is no room is one more place, of which nothing is evicted. Claims of waiters and the commons lie in the block, as `calls` does.
 * Tiers are data in a node. All these, with the redefinition of a set whose partitions are shared, are in crossing.pml.
 *
 * Mutants, each of which spin must reject:
 *   NO_REDO          commits on top of records that have not been done
 *   CALL_SKIPS       transactions of limits of all leave them undone
 *   PLAIN_REDO       does the records by store
 *   NO_VALIDATE      does them without having read the head again after copying them
 *   NO_WORD_VERSION  words name a node and nothing else
 *   WORD_WRAP        versions of words are so few that they come round
 *   PLACES_ONLY      helpers leave the slot to its participant, which has died
 *   SLOT_FIRST       slots are done before places, and tell that all is done
 *   IN_PLACE         the new state is written into the node that the place names
 *   EARLY_NODE       the author has its spare node, and says that all is done, before the places are done
 *   EARLY_DONE       the author takes the records out of the block before it has done them
 *   EVICT_OUTSIDE    evicts by a swap of the place, outside of the commitment
 *   EVICT_USED       evicts without looking whether the partition has recovered
 *   NO_RECHECK       refuses and looks without reading the head again
 *   HALF             a transaction publishes the first of its words only
 *   BLIND_STORE      publishes by store
 *   SCAN_FIRST       reclaim looks through the places before it has published anything itself
 *   NO_LIFE          reclaim does not look whether the number has a new life (P=3: two reclaim the third)
 *   EVICT_PINNED     evicts without looking whether a participant waits for the partition (PINS=1 NO_CALLS APART: with pins)
 *   DROP_PINS        the next state of a partition forgets which participants wait for it (PINS=1 NO_CALLS APART: the same)
 *   KEEP_PINS        reclaim looks for what is held and for nothing else (PINS=1 NO_CALLS APART: the same)
 *   PINNING_FIRST    reclaim notes first that no partition is waited for by the dead one (PINS=1 NO_CALLS APART: with pins)
 *   TWICE_ONE_PLACE  the second partition of a take is looked up where the first evicts it (TWO=1: one table for both)
 */
#ifndef P
#define P 2
#endif
#ifndef PLACES
#define PLACES 2
#endif
#ifndef KEYS
#define KEYS 2
#endif
#ifndef SPARE_FOR
#define SPARE_FOR 2     /* nodes for partitions, beside one a slot */
#endif
#ifdef TWO
#define S 2
#else
#define S 1
#endif
#define NODES (SPARE_FOR + P * S)
#ifndef TRIES
#define TRIES 1
#endif
#ifndef TRIES0
#define TRIES0 TRIES
#endif
#ifndef DEATHS
#define DEATHS 1
#endif
#ifndef CAP
#define CAP 2           /* of all, in use */
#endif
#ifndef PCAP
#define PCAP 1          /* of each partition */
#endif
#ifdef TWO
#define MAXR 4
#else
#define MAXR 3
#endif
#define NW (PLACES + P * S)
#define SLOT(p, j) (PLACES + (p) * S + (j))

/* head = version * 8 + block */
#define VERSIONS 32
#define BLOCK(h) ((h) % 8)
#define NEXT(h, b) ((((h) / 8 + 1) % VERSIONS) * 8 + (b))
#ifdef WORD_WRAP
#define WV 2
#else
#define WV 32
#endif
#define NODE(w) ((w) % 8)
#ifdef NO_WORD_VERSION
#define UP(w, n) (n)
#define FIRST(n) (n)
#else
#define UP(w, n) ((((w) / 8 + 1) % WV) * 8 + (n))
#define FIRST(n) ((WV - 2) * 8 + (n))
#endif

mtype = { CALL, TAKE, GIVE, LOOK, RECLAIM, PIN, UNPIN };
#ifdef APART              /* one participant waits, the other takes, in their first lives */
#define TAKES(p) ((p) > 0)
#define WAITS(p) ((p) == 0)
#define AGAIN(p) (life[p] == 0)
#else
#define TAKES(p) true
#define WAITS(p) true
#define AGAIN(p) true
#endif
#ifdef PINS
#define INSERTS (op == TAKE || op == PIN)
#define WAITED(n) (npin[n] != 0)
#else
#define INSERTS (op == TAKE)
#define WAITED(n) false
#endif
#define NONE 15
#define POISON 7

byte HEAD = (VERSIONS - 2) * 8;
byte word[NW];
byte nkey[NODES + 1];
byte nheld[(NODES + 1) * P];
byte npin[NODES + 1];       /* which participants wait for it, one bit each */
byte pinning[2 * P];        /* of which participants there may be any */
#define NH(n, p) nheld[(n) * P + (p)]
byte calls[2 * P]; byte use[2 * P]; byte used[2 * P]; byte rc[2 * P];
byte tot[2 * P * P];  /* what each participant holds in all partitions together */
#define TOT(b, p) tot[(b) * P + (p)]
byte ra[2 * P * MAXR]; byte ro[2 * P * MAXR]; byte rn[2 * P * MAXR];
#define RA(b, i) ra[(b) * MAXR + (i)]
#define RO(b, i) ro[(b) * MAXR + (i)]
#define RN(b, i) rn[(b) * MAXR + (i)]
#define TARGET (2 * me + (BLOCK(head) == 2 * me))

/* Ghosts: the sequential set. */
byte gcalls; byte guse;
byte ghold[(KEYS + 1) * P];
byte gpin[KEYS + 1];
#define GH(k, p) ghold[(k) * P + (p)]
bool dead[P]; byte life[P]; byte deaths; byte living = P;
byte commits; byte changes;
bool onTime[P];      /* an attempt that could still succeed */

hidden byte i, j, c, seen;
hidden byte lw[NW];

/* What the words are once the head's record has been redone. */
inline overlay(b, mustFit) {
  i = 0; do :: i < NW -> lw[i] = word[i]; i++ :: else -> break od;
  i = 0;
  do
  :: i < rc[b] ->
     if :: lw[RA(b, i)] == RO(b, i) -> lw[RA(b, i)] = RN(b, i) :: else -> assert(!mustFit) fi;
     i++
  :: else -> break
  od
}

/* The state at a commit is the sequential set's; every node is in exactly one word. */
inline agree(b, fit) {
  d_step {
    overlay(b, fit);
    seen = 0; c = 0; i = 0;
    do
    :: i < NW ->
       if
       :: NODE(lw[i]) -> assert(!(seen & (1 << NODE(lw[i])))); seen = seen | (1 << NODE(lw[i])); c++
       :: else -> assert(i < PLACES)
       fi;
       i++
    :: else -> break
    od;
    /* None leaked: nodes handed out are all there. */
    assert(c == used[b] && c <= NODES);
    assert(calls[b] == gcalls && use[b] == guse && guse <= CAP);
    i = 0;
    do
    :: i < P ->
       c = 0; j = 1; do :: j <= KEYS -> c = c + GH(j, i); j++ :: else -> break od;
       assert(TOT(b, i) == c); i++
    :: else -> break
    od;
    c = 0; i = 1; seen = 0;
    do
    :: i <= KEYS ->
       j = 0; seen = 0;
       do
       :: j < PLACES ->
          if
          :: NODE(lw[j]) && nkey[NODE(lw[j])] == i ->
             assert(!seen); seen = 1;
             assert(npin[NODE(lw[j])] == gpin[i] && (gpin[i] & ~pinning[b]) == 0);
             assert(NH(NODE(lw[j]), 0) == GH(i, 0));
             assert(NH(NODE(lw[j]), 1) == GH(i, 1));
#if P > 2
             assert(NH(NODE(lw[j]), 2) == GH(i, 2));
#endif
          :: else
          fi; j++
       :: else -> break
       od;
       assert(seen || gpin[i] == 0);
       j = 0;
       do
       :: j < P -> c = c + GH(i, j); assert(seen || GH(i, j) == 0); j++
       :: else -> break
       od;
       i++
    :: else -> break
    od;
#ifdef TWO
    assert(GH(KEYS, 0) + GH(KEYS, 1) == guse);
#else
    assert(c == guse);
#endif
    i = 0; j = 0; c = 0; seen = 0;
    i = 0; do :: i < NW -> lw[i] = 0; i++ :: else -> break od; i = 0
  }
}

/* A node that a place holds is never written. */
inline mayWrite(n) {
  d_step {
    assert(n != 0);
    overlay(BLOCK(HEAD), false);
    i = 0; do :: i < PLACES -> assert(NODE(lw[i]) != n); i++ :: else -> break od;
    i = 0; do :: i < NW -> lw[i] = 0; i++ :: else -> break od; i = 0
  }
}

#define DIE atomic { deaths < DEATHS && living > 1 -> \
    deaths++; living--; dead[me] = true; onTime[me] = false; clear(); goto gone }
#define STEP(...) if :: atomic { __VA_ARGS__ } :: DIE fi

inline clearAttempt() {
  d_step {
    head = 0; at = 0; w = 0; pl = NONE; pw = 0; vac = NONE; vw = 0; ev = NONE; ew = 0; n = 0; old = 0; q = 0;
    refused = 0; cnt = 0; onTime[me] = false;
    c = 0; do :: c < MAXR -> ea[c] = 0; eo[c] = 0; en[c] = 0; c++ :: else -> break od; c = 0
  }
}
inline clear() { clearAttempt(); op = 0; key = 0; victim = 0; r = 0; tries = 0; mine = 0; pinned = 0; was = 0; holds = 0 }
inline over() { clearAttempt(); op = 0; key = 0 }

inline copyTotals() {
  pinning[TARGET] = pinning[BLOCK(head)]; TOT(TARGET, 0) = TOT(BLOCK(head), 0); TOT(TARGET, 1) = TOT(BLOCK(head), 1)
#if P > 2
  ; TOT(TARGET, 2) = TOT(BLOCK(head), 2)
#endif
}

/* Which partition the q-th of a transaction is. */
#ifdef TWO
#define WHICH (q == 0 -> key : KEYS)
#define LASTKEY (KEYS - 1)
#else
#define WHICH key
#define LASTKEY KEYS
#endif

inline note(a, o, v) {
  RA(TARGET, cnt) = a; RO(TARGET, cnt) = o; RN(TARGET, cnt) = v; cnt++
}
/* The places of a record first, the slots last: whoever sees the last word changed knows that all is done. */
#ifdef SLOT_FIRST
#define AT(x) (cnt - 1 - (x))
#else
#define AT(x) (x)
#endif

proctype Thread(byte me) {
  byte tries, head, key, at, w, pl, pw, vac, vw, ev, ew, n, old, q, refused, cnt, victim, r, mine, was, holds, pinned;
  mtype op;
  byte ea[MAXR]; byte eo[MAXR]; byte en[MAXR];

birth:
  skip;
  d_step { tries = (me == 0 -> TRIES0 : TRIES) * AGAIN(me); pl = NONE; vac = NONE; ev = NONE };
idle:
end_idle:
  if
  :: atomic { mine -> op = GIVE; key = mine }
  :: atomic { tries && !mine && TAKES(me) -> op = TAKE; tries--; select (key : 1 .. LASTKEY) }
#ifndef NO_CALLS
  :: atomic { tries -> op = CALL; tries-- }
#endif
#ifdef PINS
  :: atomic { tries && !pinned && WAITS(me) -> op = PIN; tries--; select (key : 1 .. LASTKEY) }
  :: atomic { pinned -> op = UNPIN; key = pinned }
#endif
#ifdef LOOKS
  :: atomic { tries -> op = LOOK; tries--; select (key : 1 .. LASTKEY) }
#endif
  :: atomic { me != 0 && dead[0] -> op = RECLAIM; victim = 0; r = 0; was = life[0] }
  :: atomic { me != 1 && dead[1] -> op = RECLAIM; victim = 1; r = 0; was = life[1] }
#if P > 2
  :: atomic { me != 2 && dead[2] -> op = RECLAIM; victim = 2; r = 0; was = life[2] }
#endif
  :: DIE
  fi;

#ifdef SCAN_FIRST
  if :: op == RECLAIM && r == 0 -> STEP( holds = 1; goto next ) :: else fi;
#endif
again:
  STEP( head = HEAD; onTime[me] = true );
#ifndef NO_LIFE
  /* As in commit.pml: a number that has a new life is not reclaimed. After the head was read. */
  if
  :: op == RECLAIM -> STEP( if :: life[victim] != was -> victim = 0; r = 0; was = 0; over(); goto idle :: else fi )
  :: else
  fi;
#endif
#ifdef NO_REDO
  goto copy;
#endif
#ifdef CALL_SKIPS
  if :: op == CALL -> goto copy :: else fi;
#endif
  /* Is there a record, and has its last word been done? (plain loads, maybe torn) */
  STEP( cnt = rc[BLOCK(head)]; if :: cnt == 0 -> goto copy :: else fi );
  STEP( w = RA(BLOCK(head), cnt - 1); old = RO(BLOCK(head), cnt - 1) );
#ifndef NO_QUICK
  STEP( if :: word[w] != old -> w = 0; old = 0; cnt = 0; goto copy :: else -> w = 0; old = 0 fi );
#endif
  do
  :: at < cnt ->
     STEP( ea[at] = RA(BLOCK(head), at); eo[at] = RO(BLOCK(head), at); en[at] = RN(BLOCK(head), at); at++ )
  :: else -> break
  od;
  at = 0;
#ifndef NO_VALIDATE
  STEP( if :: HEAD == head :: else -> assert(!onTime[me]); clearAttempt(); goto again fi );
#endif
  do
  :: at < cnt ->
     STEP(
       c = AT(at);
#ifdef PLACES_ONLY
       if :: ea[c] >= PLACES -> goto skipped :: else fi;
#endif
#ifdef PLAIN_REDO
       word[ea[c]] = en[c];
#else
       if :: word[ea[c]] == eo[c] -> word[ea[c]] = en[c];
#ifndef NO_LATE_CHECK
             assert(HEAD == head)
#endif
          :: else fi;
#endif
skipped:
       c = 0; at++ )
  :: else -> break
  od;
  STEP( at = 0; cnt = 0; c = 0; do :: c < MAXR -> ea[c] = 0; eo[c] = 0; en[c] = 0; c++ :: else -> break od; c = 0 );

copy: /* The torn copy of a block is the matter of commit.pml. */
#ifdef TORN
  STEP( cnt = 0; at = 0; w = 0; calls[TARGET] = calls[BLOCK(head)]; rc[TARGET] = 0; copyTotals() );
  STEP( use[TARGET] = use[BLOCK(head)] );
  STEP( used[TARGET] = used[BLOCK(head)] );
#else
  STEP( cnt = 0; at = 0; w = 0; calls[TARGET] = calls[BLOCK(head)]; rc[TARGET] = 0;
        use[TARGET] = use[BLOCK(head)]; used[TARGET] = used[BLOCK(head)]; copyTotals() );
#endif
  if
  :: op == CALL -> STEP( calls[TARGET] = calls[TARGET] + 1; goto publish )
  :: op == RECLAIM && r == 0 -> /* the limits of all */
#ifdef PINNING_FIRST
     pinning[TARGET] = pinning[TARGET] & ~(1 << victim);
#endif
     goto publish
  :: op == RECLAIM && r > PLACES -> STEP( pinning[TARGET] = pinning[TARGET] & ~(1 << victim); goto publish )
  :: op == RECLAIM && r > 0 && r <= PLACES ->
     STEP( pl = r - 1; pw = word[r - 1]; if :: NODE(pw) == 0 -> goto recheck :: else fi );
     STEP( key = nkey[NODE(pw)]; goto found )
  :: else
  fi;

lookup: /* The candidates of the key: here, all places. */
  do
#ifndef TWICE_ONE_PLACE
  :: q == 1 && at < PLACES && RA(TARGET, 0) == at -> at++ /* a record names a place once: that one is the first key's now */
  :: at < PLACES && !(q == 1 && RA(TARGET, 0) == at) ->
#else
  :: at < PLACES ->
#endif
     STEP( w = word[at];
           if
           :: NODE(w) == 0 ->
              vac = at; vw = w; w = 0; at++; goto lookup
           :: else
           fi );
     STEP( if :: nkey[NODE(w)] == WHICH -> pl = at; pw = w; w = 0; at = 0; goto found :: else fi );
     if
     :: INSERTS && ev == NONE ->
        STEP(
#ifndef EVICT_USED
#ifdef EVICT_PINNED
          if :: 0
#else
          if :: WAITED(NODE(w))
#endif
             + NH(NODE(w), 0) + NH(NODE(w), 1)
#if P > 2
             + NH(NODE(w), 2)
#endif
             == 0 ->
#else
          if :: true ->
#endif
             ev = at; ew = w :: else fi;
          w = 0; at++ )
     :: else -> w = 0; at++
     fi
  :: else -> break
  od;
  at = 0;
  if
  :: !INSERTS -> goto absent
  :: else
  fi;
  /* Insert. */
  if
  :: atomic { vac != NONE && used[TARGET] < NODES ->                      /* FRESH */
       old = word[SLOT(me, q)]; n = NODE(old); pl = vac; pw = vw; used[TARGET] = used[TARGET] + 1; ew = used[TARGET]; ev = NONE }
  :: atomic { ev != NONE ->                                              /* REPLACE */
       old = word[SLOT(me, q)]; n = NODE(old); pl = ev; pw = ew; ew = NODE(ew); ev = NONE }
#ifndef TWO
  :: atomic { vac != NONE && ev != NONE ->                                /* MOVE_NODE */
       old = word[SLOT(me, q)]; n = NODE(old); pl = vac; pw = vw }
#endif
  :: atomic { !(vac != NONE && used[TARGET] < NODES) && ev == NONE -> refused = 4; goto recheck }
  :: DIE
  fi;
#ifdef EVICT_OUTSIDE
  if :: ev == NONE && NODE(pw) ->
     STEP( if :: word[pl] == pw -> word[pl] = UP(pw, 0); pw = word[pl] :: else -> goto lost fi ) 
  :: else fi;
#endif
  STEP( mayWrite(n); nkey[n] = WHICH; npin[n] = 0 );
  STEP( mayWrite(n); NH(n, 0) = 0; NH(n, 1) = 0
#if P > 2
    ; NH(n, 2) = 0
#endif
  );
  goto change;

found: /* Copy the state to the own spare, a word at a time. */
  STEP(
    old = word[SLOT(me, q)]; n = NODE(old); ew = NODE(pw); ev = NONE; vac = NONE; vw = 0;
#ifdef IN_PLACE
    n = NODE(pw); ew = NODE(old);
#endif
    mayWrite(n); nkey[n] = (op == RECLAIM -> key : WHICH);
#ifdef DROP_PINS
    npin[n] = 0 );
#else
    npin[n] = npin[NODE(pw)] );
#endif
#ifdef COARSE
  STEP( mayWrite(n); NH(n, 0) = NH(NODE(pw), 0); NH(n, 1) = NH(NODE(pw), 1)
#if P > 2
    ; NH(n, 2) = NH(NODE(pw), 2)
#endif
  );
#else
  STEP( mayWrite(n); NH(n, 0) = NH(NODE(pw), 0) );
  STEP( mayWrite(n); NH(n, 1) = NH(NODE(pw), 1) );
#if P > 2
  STEP( mayWrite(n); NH(n, 2) = NH(NODE(pw), 2) );
#endif
#endif

change:
  STEP(
    mayWrite(n);
    if
    :: op == TAKE ->
       if
       :: NH(n, 0) + NH(n, 1)
#if P > 2
          + NH(n, 2)
#endif
          < PCAP -> NH(n, me) = NH(n, me) + 1; TOT(TARGET, me) = TOT(TARGET, me) + 1
       :: else -> refused = refused | 1
       fi
    :: op == GIVE -> TOT(TARGET, me) = TOT(TARGET, me) - NH(n, me); NH(n, me) = 0
    :: op == RECLAIM ->
       if
       :: NH(n, victim) == 0 && !((npin[n] >> victim) & 1) -> goto recheck
       :: else ->
#ifndef TWO
          use[TARGET] = use[TARGET] - NH(n, victim);
#endif
          npin[n] = npin[n] & ~(1 << victim); TOT(TARGET, victim) = TOT(TARGET, victim) - NH(n, victim); NH(n, victim) = 0
       fi
    :: op == LOOK
    :: op == PIN -> npin[n] = npin[n] | (1 << me); pinning[TARGET] = pinning[TARGET] | (1 << me)
    :: op == UNPIN -> npin[n] = npin[n] & ~(1 << me)
    fi );
  /* Note the exchange: places from the front, the slot behind. Two partitions: place, place, slot, slot. */
#ifdef TWO
  STEP( RA(TARGET, q) = pl; RO(TARGET, q) = pw; RN(TARGET, q) = UP(pw, n);
        RA(TARGET, q + 2) = SLOT(me, q); RO(TARGET, q + 2) = old; RN(TARGET, q + 2) = UP(old, ew) );
  if
  :: q == 0 && op != RECLAIM ->
     STEP( q = 1; pl = NONE; pw = 0; vac = NONE; vw = 0; ev = NONE; ew = 0; n = 0; old = 0; goto lookup )
  :: else
  fi;
  STEP(
    if
    :: op == RECLAIM -> RA(TARGET, 1) = RA(TARGET, 2); RO(TARGET, 1) = RO(TARGET, 2); RN(TARGET, 1) = RN(TARGET, 2); cnt = 2
    :: else -> cnt = 4
    fi );
#else
  STEP( note(pl, pw, UP(pw, n)) );
  if :: ev != NONE -> STEP( note(ev, ew, UP(ew, 0)); ew = NODE(ew) ) :: else fi;
  STEP( note(SLOT(me, q), old, UP(old, ew)) );
#endif
  STEP(
    if :: op == LOOK -> goto recheck :: else fi;
    if :: op == TAKE -> if :: use[TARGET] >= CAP -> refused = refused | 2 :: else -> use[TARGET] = use[TARGET] + 1 fi
       :: op == RECLAIM -> 
#ifdef TWO
          /* the second key is in every take: it counts */
          if :: key == KEYS -> use[TARGET] = use[TARGET] - 1 :: else fi
#else
          skip
#endif
       :: op == PIN || op == UNPIN
       :: op == GIVE -> use[TARGET] = use[TARGET] - 1
    fi;
    if :: refused -> goto recheck :: else fi;
#ifdef HALF
    rc[TARGET] = cnt - 1 );
#else
    rc[TARGET] = cnt );
#endif
  goto publish;

absent:
  /* GIVE: cannot be, unless overtaken. LOOK: must be a fresh one. */
  goto recheck;

recheck:
  STEP(
#ifdef NO_RECHECK
    if :: true ->
#else
    if :: HEAD == head ->
#endif
      if
      :: op == TAKE ->
         assert(refused);
         if
         :: refused == 4
         :: else ->
            assert((refused & 2) == 0 || guse >= CAP);
#ifndef TWO
            assert((refused & 1) == 0 || GH(key, 0) + GH(key, 1)
#if P > 2
              + GH(key, 2)
#endif
              >= PCAP)
#endif
         fi;
         over(); goto idle
      :: op == PIN -> assert(refused == 4); over(); goto idle
      :: op == LOOK ->
         if
         :: pl == NONE -> assert(GH(key, 0) + GH(key, 1) == 0)
         :: else -> assert(NH(n, 0) == GH(key, 0) && NH(n, 1) == GH(key, 1) && use[TARGET] == guse)
         fi;
         over(); goto idle
      :: op == GIVE || op == UNPIN -> assert(false)
      :: op == RECLAIM -> goto next
      fi
    :: else -> assert(!onTime[me]); clearAttempt(); goto again
    fi );

next: /* RECLAIM: the next place. A dead one takes no more, and partitions in use do not move: one pass is enough. */
  STEP(
    clearAttempt(); key = 0; r++;
    if
    :: holds && r <= PLACES -> goto scan
#ifdef PINS
    :: holds && r == PLACES + 1 -> goto again
#endif
    :: !(holds && r <= PLACES
#ifdef PINS
       + 1
#endif
       ) ->
       if
#ifdef NO_LIFE
       :: dead[victim] ->
#else
       :: life[victim] == was ->
          assert(dead[victim]);
#endif
          c = 1; do :: c <= KEYS -> assert(GH(c, victim) == 0 && !((gpin[c] >> victim) & 1)); c++ :: else -> break od; c = 0;
          dead[victim] = false; life[victim]++; living++
       :: else
       fi;
       victim = 0; r = 0; was = 0; holds = 0; over(); goto idle
    fi );

scan: /* Without the head: as long as a place names a node, no thread writes to it. */
  STEP( pw = word[r - 1]; if :: NODE(pw) == 0 -> goto next :: else fi );
#ifdef KEEP_PINS
  STEP( n = NH(NODE(pw), victim) );
#else
  STEP( n = NH(NODE(pw), victim) + ((npin[NODE(pw)] >> victim) & 1) );
#endif
  STEP(
    if :: word[r - 1] != pw -> pw = 0; n = 0; goto scan :: else fi;
    if :: n == 0 -> goto next :: else -> clearAttempt(); goto again fi );

lost:
  STEP( clearAttempt(); goto again );

publish:
  STEP(
#ifdef BLIND_STORE
    if :: true ->
#else
    if :: HEAD == head ->
#endif
      HEAD = NEXT(head, TARGET);
      if
      :: op == CALL -> gcalls++
      :: op == TAKE -> guse++; GH(key, me) = GH(key, me) + 1; mine = key;
#ifdef TWO
         GH(KEYS, me) = GH(KEYS, me) + 1
#endif
      :: op == GIVE -> guse--; GH(key, me) = 0; mine = 0;
#ifdef TWO
         GH(KEYS, me) = 0
#endif
      :: op == PIN -> gpin[key] = gpin[key] | (1 << me); pinned = key
      :: op == UNPIN -> gpin[key] = gpin[key] & ~(1 << me); pinned = 0
      :: op == RECLAIM && r == 0 -> holds = TOT(TARGET, victim) + ((pinning[BLOCK(head)] >> victim) & 1); holds = (holds > 0)
      :: op == RECLAIM && r > PLACES
      :: op == RECLAIM && r > 0 && r <= PLACES ->
#ifdef TWO
         if :: key == KEYS -> guse-- :: else fi;
#else
         guse = guse - GH(key, victim);
#endif
         gpin[key] = gpin[key] & ~(1 << victim); GH(key, victim) = 0
      fi;
      agree(TARGET, true);
      c = 0; do :: c < P -> onTime[c] = false; c++ :: else -> break od; c = 0;
      commits++; assert(commits < VERSIONS);
      cnt = rc[TARGET]; at = 0; q = TARGET
    :: else -> assert(!onTime[me]); clearAttempt(); goto again
    fi );
#ifdef EARLY_NODE
  /* The spare is mine, and all is done: said before the places are. */
  if :: cnt -> STEP( word[RA(TARGET, cnt - 1)] = RN(TARGET, cnt - 1); rc[TARGET] = 0 ) :: else fi;
#endif

#ifdef EARLY_DONE
  STEP( rc[q] = 0 );
#endif
  /* The author's redo: swaps of the places, then a store to its own slot, which nobody else's commit changes. */
  do
  :: at < cnt ->
     STEP(
       c = AT(at);
       if
       :: RA(q, c) >= PLACES -> word[RA(q, c)] = RN(q, c)
#ifdef PLAIN_REDO
       :: else -> word[RA(q, c)] = RN(q, c)
#else
       :: RA(q, c) < PLACES && word[RA(q, c)] == RO(q, c) -> word[RA(q, c)] = RN(q, c)
       :: else
#endif
       fi;
       c = 0; at++ )
  :: else -> break
  od;
  /* All is done: whoever reads the block from now on need not look. It is the author's own, the head or not. */
  if :: cnt -> STEP( rc[q] = 0 ) :: else fi;
  STEP(
    if :: op == RECLAIM -> goto next :: else -> over(); goto idle fi );

gone:
end_gone:
  /* A new life of the number, with the slots as they are. */
  atomic { !dead[me] && deaths -> goto birth }
}

init {
  atomic {
    i = 0;
    do
    :: i < P * S -> word[PLACES + i] = FIRST(i + 1); i++
    :: else -> break
    od;
    i = 0;
    do :: i < PLACES -> word[i] = FIRST(0); i++ :: else -> break od;
    used[0] = P * S;
    i = 0;
    do :: i < P -> run Thread(i); i++ :: else -> break od;
    i = 0
  };
  timeout;
  agree(BLOCK(HEAD), false);
  /* At rest: nothing is held, every node is where it belongs, nobody dead is left. */
  i = 0;
  do :: i < P -> assert(!dead[i]); i++ :: else -> break od;
  assert(guse == 0);
  i = 1; do :: i <= KEYS -> assert(gpin[i] == 0); i++ :: else -> break od
}
