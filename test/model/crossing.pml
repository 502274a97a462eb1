/*
 * The redefinition of a set whose partitions threads share (assembly/partitions/crossing.ts, ferry.ts, give-back.ts; assembly/redefine.ts), for
 * exhaustive checking with spin in every interleaving.
 *
 * Each region has a table of its own. A partition goes over from the table of the region before in a transaction of the present one, whose block
 * notes both exchanges: the new place gets the node, and the place before becomes vacant.
 *
 *   TAKE, GIVE   one unit of a limit of all and one of a partition's, in the tier that the request names; GIVE gives both back
 *   PASS         lets the next partition go over, place by place; PASSED of the block says how far
 *   REDEFINE     takes a room; lets all go over first; does the records of the present block; writes the state into a block of the next region;
 *                swaps the head
 *   RECLAIM      of a dead participant: drops its claim; lets all go over; gives back what it holds, place by place
 *   WITHDRAW     drops the own claim
 *   PIN, UNPIN   (PINS) says that it waits for a partition, which keeps its place then; and that it waits no more
 *   ARRIVE       has followed a redefinition: what it has waited for before, and has not said anew, counts no more
 *
 * A name is looked for in the present table first, then before. A partition that had recovered when the set was redefined is not lifted. Of one
 * that comes and recovers in the same transaction only the place before is exchanged. Nodes are kept for those that have not come.
 *
 * Generation g allows CAPS(g, tier) units in a partition. TIERS: a node has a tier, and a take converts it to the one that it names; the tiers
 * change places with each redefinition. CLAIMS: a request that is refused makes a claim, which holds back requests of the other participant for
 * the same partition; it ends with the own grant, the reclaim of its owner, and a redefinition.
 *
 * Checked with each commitment: it is the sequential set's. No grant beyond the definition in force; each partition is in one of the two
 * tables and there once, as it should be; each node is in one word. At rest, all that dead participants held has come back. No step waits.
 *
 * Not here: the torn copy of a node, the search of a name in steps, and eviction by others are in partition.pml; the torn copy of a block in
 * commit.pml. How a thread finds the present region, and that the region which it has noted is kept, is in redefine.pml: here, to enter
 * notes the present region in one step, and to take a room looks at all notes in one. A reclaim that a redefinition overtakes would take a third
 * participant: it begins again in the next region.
 *
 * What a thread does of its own from one step to the next is one step, unless STALE is defined. After a moment without attempts, what no step can
 * read any more is made 0, so that states are alike.
 *
 * Mutants, each of which spin must reject:
 *   NO_BEFORE        a name is not looked for in the table before
 *   NO_VACATE        the place before keeps its node
 *   VACATE_APART     the place before becomes vacant after the transaction, and not by a record
 *   VACATE_EARLY     the place before becomes vacant before the transaction is published
 *   NO_COUNT         newcomers get the nodes that are kept for those that have not come (KEYS=2 SPARE_FOR=1: one node)
 *   OWN_PASSED       each participant counts for itself how many places have been gone through (KEYS=2 DEATHS=0: a second one)
 *   NO_DRAIN         a redefinition does not let all go over first (REDEFS=2 DEATHS=0: after another)
 *   DRAINED_TORN     all have gone over as a block says whose head has changed (KEYS=2 REDEFS=2 DEATHS=0: the same)
 *   NO_FINISH        a redefinition leaves the records of the present block undone
 *   ONE_COPY         a redefinition does not write the state again after a swap that failed
 *   NO_TOTALS        what participants hold of all partitions together is not carried over
 *   NO_MOVED         a transaction stages whatever block the head names
 *   PLAIN_REDO       records are done by store
 *   NO_VALIDATE      records are done without having read the head again (STALE=1: steps apart)
 *   IN_PLACE         a partition is lifted within the node that the place before names
 *   NO_FROM          a room is taken from whose region partitions of a region in use come (REDEFS=4 DEATHS=0: the first room again)
 *   RECLAIM_STAYS    a reclaim does not let all go over first
 *   PINS_STAY        a partition that is waited for and holds nothing does not go over (PINS=1 DEATHS=0: with pins)
 *   PINS_LOST        it goes over without its pins (PINS=1 DEATHS=0: the same)
 *   PINS_ANEW        pins of before the redefinition count until they are lifted one by one (PINS=1 DEATHS=0: the same)
 *   EVICT_PINNED     it makes room for another (PINS=1 DEATHS=0 KEYS=2 SPARE_FOR=1 REDEFS=0: one node)
 *   KEEP_PINS        a reclaim leaves the pins of before the redefinition (PINS=1: with deaths)
 *   KEEP_CLAIM       a reclaim leaves the claim (CLAIMS=1 REDEFS=0: with claims)
 *   CLAIM_ANY        a claim holds back requests for other partitions (CLAIMS=1 KEYS=2 REDEFS=0: with claims)
 */
#ifndef P
#define P 2
#endif
#ifndef KEYS
#define KEYS 1
#endif
#ifndef PLACES
#define PLACES KEYS
#endif
#ifndef SPARE_FOR
#define SPARE_FOR KEYS     /* nodes for partitions, beside one a slot */
#endif
#ifndef TRIES
#define TRIES 1         /* takes of each participant */
#endif
#ifndef REDEFS
#define REDEFS 1
#endif
#if REDEFS < 1
#define ROOMS 1
#elif REDEFS > 3
#define ROOMS 3
#else
#define ROOMS REDEFS
#endif
#ifndef DEATHS
#define DEATHS 1
#endif
#ifndef CAP
#define CAP 2           /* of all, in use */
#endif
#ifdef TIERS
#define LAST_TIER 1
#else
#define LAST_TIER 0
#endif
#define CAPS(g, t) (1 + ((g) + (t)) % 2)

#ifdef APART              /* one participant waits, the other takes, in their first lives */
#ifdef ONLY_PINS
#define TAKES(p) false
#else
#define TAKES(p) ((p) > 0)
#endif
#define WAITS(p) ((p) == 0)
#define AGAIN(p) (life[p] == 0)
#else
#define TAKES(p) true
#define WAITS(p) true
#define AGAIN(p) true
#endif

#define REGIONS (1 + ROOMS)
#define NODES (SPARE_FOR + P)
#define NW (PLACES + P)
#define WORDS (REGIONS * NW)
#define PLACE(r, i) ((r) * NW + (i))
#define SLOT(r, p) ((r) * NW + PLACES + (p))
#define AT(r, n) ((r) * (NODES + 1) + (n))
#define EACH (2 * P)
#define BLOCKS (REGIONS * EACH)
#define MAXR 3
#define NONE 15

/*
 * A head is 16 + the block. What a thread has read becomes 32 + the block when another head follows: it is never the present one again (that versions
 * come round is the matter of commit.pml).
 */
#define BLOCK(h) ((h) % 16)
#define REGION(b) ((b) / EACH)
#define NODE(w) ((w) % 8)
#define FIRST(n) (8 + (n))
#define OLDER(w) (16 + NODE(w))

mtype = { TAKE, GIVE, PASS, REDEFINE, RECLAIM, WITHDRAW, PIN, UNPIN, ARRIVE };

byte HEAD;
byte heads[P];      /* the head that each read for its attempt; 0 between attempts */
#define head heads[me]
inline moveHead(b) {
  d_step {
    HEAD = 16 + (b); c = 0;
    do
    :: c < P ->
       onTime[c] = false;
       if :: heads[c] && c != me -> heads[c] = 32 + BLOCK(heads[c]) :: else fi;
       c++
    :: else -> break
    od;
    c = 0
  }
}
/* 8 + the node. What has been read of a word becomes 16 + the node when the word changes: it never has the same in it again. */
byte word[WORDS];
byte nkey[REGIONS * (NODES + 1)];
byte ntier[REGIONS * (NODES + 1)];
byte nheld[REGIONS * (NODES + 1) * P];
#define NH(r, n, p) nheld[AT(r, n) * P + (p)]
#define SUM(r, n) (NH(r, n, 0) + NH(r, n, 1))
/* Two rows of bits: who waits for it; and who did before the set was redefined. The same of a block: who may wait, and who has not followed. */
byte npin[REGIONS * (NODES + 1)];
byte pinning[BLOCKS];
byte lastPinning[REGIONS];  /* that of the last present block of the region before */
#define BOTH(n, b) (((n) & 3) | (((n) >> 2) & ((b) >> 2)))
#define PINNED(r, n, b) BOTH(npin[AT(r, n)], pinning[b])
#define BEFORE_PINS(n) BOTH(npin[AT(from[my], n)], lastPinning[my])
byte use[BLOCKS]; byte used[BLOCKS]; byte passed[BLOCKS]; byte kept[BLOCKS]; byte rc[BLOCKS];
byte tot[BLOCKS * P];
#define TOT(b, p) tot[(b) * P + (p)]
byte claim[BLOCKS * P];
#define CLAIM(b, p) claim[(b) * P + (p)]
byte ra[BLOCKS * MAXR]; byte ro[BLOCKS * MAXR]; byte rn[BLOCKS * MAXR];
#define RA(b, i) ra[(b) * MAXR + (i)]
#define RO(b, i) ro[(b) * MAXR + (i)]
#define RN(b, i) rn[(b) * MAXR + (i)]
/* What threads have read of words: of the place, the place before, and the slot; and of the records that they are about to do. */
byte xa[P * 3]; byte xo[P * 3];
byte fa[P * MAXR]; byte fo[P * MAXR]; byte fn[P * MAXR];
#define pw xo[me * 3]
#define bw xo[me * 3 + 1]
#define old xo[me * 3 + 2]
#define ea(i) fa[me * MAXR + (i)]
#define eo(i) fo[me * MAXR + (i)]
#define en(i) fn[me * MAXR + (i)]
#define OWN (my * EACH + 2 * me)
#define TARGET (OWN + (BLOCK(head) == OWN))

/* The generation whose region lies there; the region from which its partitions come; and which participant is laying out one in a room. */
byte gen[REGIONS] = NONE;
byte from[REGIONS] = NONE;
byte maker[REGIONS];
bool inside[P]; byte uses[P];
#ifdef OWN_PASSED
byte ownPassed[P];
#define GONE(b) ownPassed[me]
#else
#define GONE(b) passed[b]
#endif

/* Ghosts: the sequential set. */
byte guse;
byte ghold[(KEYS + 1) * P];
#define GH(k, p) ghold[(k) * P + (p)]
#define GSUM(k) (GH(k, 0) + GH(k, 1))
byte gtier[KEYS + 1];
byte gclaim[P];
byte gpin[KEYS + 1];
byte pkey[P]; byte pera[P];    /* for which partition each waits, and in which generation it has said so */
byte inForce;
bool dead[P]; byte life[P]; byte deaths; byte living = P;
byte redefs;
bool onTime[P];      /* an attempt that could still succeed */

hidden byte i, j, c, seen;
hidden byte lw[WORDS];

/* What the words are once the head's records have been done. */
inline overlay(b, mustFit) {
  i = 0; do :: i < WORDS -> lw[i] = word[i]; i++ :: else -> break od;
  i = 0;
  do
  :: i < rc[b] ->
     if :: lw[RA(b, i)] == RO(b, i) -> lw[RA(b, i)] = FIRST(RN(b, i)) :: else -> assert(!mustFit) fi;
     i++
  :: else -> break
  od
}
inline wipe() { i = 0; do :: i < WORDS -> lw[i] = 0; i++ :: else -> break od; i = 0; j = 0; c = 0; seen = 0 }

/* The state at a commit is the sequential set's: each partition in one of the two tables, each node in one word. */
inline agree(b, fit) {
  d_step {
    overlay(b, fit);
    assert(use[b] == guse && CLAIM(b, 0) == gclaim[0] && CLAIM(b, 1) == gclaim[1]);
    i = 0;
    do
    :: i < P ->
       c = 0; j = 1; do :: j <= KEYS -> c = c + GH(j, i); j++ :: else -> break od;
       assert(TOT(b, i) == c); i++
    :: else -> break
    od;
    /* The table of the region: each node handed out is in one word. */
    seen = 0; c = 0; i = 0;
    do
    :: i < NW ->
       j = NODE(lw[PLACE(REGION(b), i)]);
       if
       :: j -> assert(!(seen & (1 << j))); seen = seen | (1 << j); c++
       :: else -> assert(i < PLACES)
       fi;
       i++
    :: else -> break
    od;
    assert(c == used[b] && c <= NODES);
    /* Each partition is there once, as it should be. */
    i = 1;
    do
    :: i <= KEYS ->
       seen = 0; j = 0;
       do
       :: j < PLACES ->
          c = NODE(lw[PLACE(REGION(b), j)]);
          if
          :: c && nkey[AT(REGION(b), c)] == i ->
             assert(!seen); seen = 1;
             assert(NH(REGION(b), c, 0) == GH(i, 0) && NH(REGION(b), c, 1) == GH(i, 1));
             assert(PINNED(REGION(b), c, b) == gpin[i]);
             assert(GSUM(i) == 0 || ntier[AT(REGION(b), c)] == gtier[i])
          :: else
          fi;
          if
          :: from[REGION(b)] != NONE ->
             c = NODE(lw[PLACE(from[REGION(b)], j)]);
             if
             :: c && nkey[AT(from[REGION(b)], c)] == i &&
                (SUM(from[REGION(b)], c) || (BOTH(npin[AT(from[REGION(b)], c)], lastPinning[REGION(b)]) & (pinning[b] >> 2))) ->
                /* What was held when the set was redefined. */
                assert(!seen && j >= passed[b]); seen = 1;
                assert(NH(from[REGION(b)], c, 0) == GH(i, 0) && NH(from[REGION(b)], c, 1) == GH(i, 1));
                assert((BOTH(npin[AT(from[REGION(b)], c)], lastPinning[REGION(b)]) & (pinning[b] >> 2)) == gpin[i]);
                assert(GSUM(i) == 0 || ntier[AT(from[REGION(b)], c)] == LAST_TIER - gtier[i])
             :: else
             fi
          :: else
          fi;
          j++
       :: else -> break
       od;
       assert(seen || (GSUM(i) == 0 && gpin[i] == 0));
       i++
    :: else -> break
    od;
    c = 0; i = 1; do :: i <= KEYS -> c = c + GSUM(i); i++ :: else -> break od;
    assert(c == guse);
    wipe()
  }
}

/* A node that a place names is never written; nor is one of a region whose memory has become another's. */
inline mayWrite(r, era, n) {
  d_step {
    assert(n != 0 && gen[r] == era);
    overlay(BLOCK(HEAD), false);
    i = 0; do :: i < PLACES -> assert(NODE(lw[PLACE(r, i)]) != n); i++ :: else -> break od;
    wipe()
  }
}

/* Memory of regions on which nobody can act any more is all alike. */
inline isKept(r) {
  c = (r == REGION(BLOCK(HEAD)) || r == from[REGION(BLOCK(HEAD))] || maker[r]);
  j = 0;
  do
  :: j < P -> c = c || (inside[j] && (uses[j] == r || from[uses[j]] == r)); j++
  :: else -> break
  od
}
inline sweep() {
  d_step {
    i = 0;
    do
    :: i < REGIONS ->
       isKept(i);
       if
       :: !c && gen[i] != NONE ->
          gen[i] = NONE; from[i] = NONE; clearRegion(i)
       :: else
       fi;
       i++
    :: else -> break
    od;
    if :: heads[0] == 0 && heads[1] == 0 -> rest() :: else fi;
    /* Blocks that no attempt reads or writes. */
    i = 0;
    do
    :: i < BLOCKS ->
       j = (i % EACH) / 2;
       if
       :: i == BLOCK(HEAD) -> if :: rc[i] == 0 -> clearRecords(i) :: else fi
       :: i != BLOCK(HEAD) && !maker[REGION(i)] && !(heads[j] && uses[j] == REGION(i)) &&
          !(heads[1 - j] && BLOCK(heads[1 - j]) == i) -> clearBlock(i)
       :: else
       fi;
       i++
    :: else -> break
    od;
    i = 0; j = 0; c = 0; seen = 0
  }
}
/* Between attempts, nobody knows a head or a word: neither their versions nor what is not named matter then. */
inline rest() {
  i = BLOCK(HEAD); seen = 1; j = 0;
  do
  :: j < rc[i] -> if :: word[RA(i, j)] == RO(i, j) -> seen = 0 :: else fi; j++
  :: else -> break
  od;
  if
  :: seen ->
     rc[i] = 0;
     i = 0;
     do
     :: i < REGIONS ->
        if :: gen[i] != NONE -> clearNodes(i) :: else fi; i++
     :: else -> break
     od;
     /* All have gone over: nothing there is looked at any more. */
     i = from[REGION(BLOCK(HEAD))];
     if
     :: i != NONE && !maker[i] && !(inside[0] && uses[0] == i) && !(inside[1] && uses[1] == i) && passed[BLOCK(HEAD)] >= PLACES -> clearRegion(i)
     :: else
     fi
  :: else
  fi;
}
inline clearNodes(r) {
  seen = 0; j = 0; do :: j < PLACES -> seen = seen | (1 << NODE(word[PLACE(r, j)])); j++ :: else -> break od;
  j = 0;
  do
  :: j <= NODES ->
     if
     :: !(seen & (1 << j)) -> nkey[AT(r, j)] = 0; ntier[AT(r, j)] = 0; npin[AT(r, j)] = 0; NH(r, j, 0) = 0; NH(r, j, 1) = 0
     :: else
     fi;
     j++
  :: else -> break
  od;
  j = 0
}
inline clearRecords(b) {
  RA(b, 0) = 0; RO(b, 0) = 0; RN(b, 0) = 0; RA(b, 1) = 0; RO(b, 1) = 0; RN(b, 1) = 0; RA(b, 2) = 0; RO(b, 2) = 0; RN(b, 2) = 0
}
inline clearBlock(b) {
  use[b] = 0; used[b] = 0; passed[b] = 0; kept[b] = 0; rc[b] = 0; pinning[b] = 0;
  TOT(b, 0) = 0; TOT(b, 1) = 0; CLAIM(b, 0) = 0; CLAIM(b, 1) = 0;
  clearRecords(b)
}
inline clearRegion(r) {
  lastPinning[r] = 0;
  j = 0; do :: j < NW -> word[PLACE(r, j)] = 0; j++ :: else -> break od;
  j = 0;
  do
  :: j <= NODES -> nkey[AT(r, j)] = 0; ntier[AT(r, j)] = 0; npin[AT(r, j)] = 0; NH(r, j, 0) = 0; NH(r, j, 1) = 0; j++
  :: else -> break
  od;
  j = r * EACH;
  do
  :: j < (r + 1) * EACH ->
     clearBlock(j); j++
  :: else -> break
  od;
  j = 0
}
/* The table of a region begins as all do: the words of a room that is used again have been what they are before. */
inline lay(r) {
  clearRegion(r);
  j = 0;
  do
  :: j < PLACES -> word[PLACE(r, j)] = FIRST(0); j++
  :: else -> break
  od;
  j = 0; do :: j < P -> word[SLOT(r, j)] = FIRST(j + 1); j++ :: else -> break od;
  j = 0
}

#define DIE atomic { deaths < DEATHS && living > 1 -> \
    deaths++; living--; dead[me] = true; clear(); goto gone }
#define STEP(...) if :: atomic { __VA_ARGS__ } :: DIE fi

inline clearAttempt() {
  d_step {
    head = 0; at = 0; cnt = 0; w = 0; n = 0; pl = NONE; ew = 0; bp = NONE;
    pw = 0; bw = 0; old = 0; xa[me * 3] = 0; xa[me * 3 + 1] = 0; xa[me * 3 + 2] = 0;
    isFresh = false; refused = 0; onTime[me] = false;
    c = 0; do :: c < MAXR -> ea(c) = 0; eo(c) = 0; en(c) = 0; c++ :: else -> break od; c = 0
  }
}
inline leave() {
  d_step {
    inside[me] = false; uses[me] = 0; my = 0; era = 0;
    if :: room -> maker[room] = 0 :: else fi;
    room = 0;
    sweep()
  }
}
inline over() { clearAttempt(); op = 0; key = 0; tier = 0; phase = 0; victim = 0; r = 0; was = 0; leave() }
inline clear() { over(); tries = 0; mine = 0; wants = 0 }

inline note(a, o, v) { RA(TARGET, cnt) = a; RO(TARGET, cnt) = o; RN(TARGET, cnt) = v; cnt++ }

/* A word gets another node. */
inline setWord(x, v) {
  d_step {
    assert(gen[(x) / NW] == era || gen[(x) / NW] == era - 1);
    j = 0;
    do
    :: j < BLOCKS * MAXR -> if :: ra[j] == x && ro[j] == word[x] -> ro[j] = OLDER(ro[j]) :: else fi; j++
    :: else -> break
    od;
    j = 0;
    do
    :: j < P * 3 ->
       if :: xa[j] == x && xo[j] == word[x] -> xo[j] = OLDER(xo[j]) :: else fi;
       if :: fa[j] == x && fo[j] == word[x] -> fo[j] = OLDER(fo[j]) :: else fi;
       j++
    :: else -> break
    od;
    j = 0;
    word[x] = FIRST(v)
  }
}

inline capture(x, v, i) { xa[me * 3 + i] = x; xo[me * 3 + i] = v }
inline captureSlot() { xa[me * 3 + 2] = SLOT(my, me); old = word[SLOT(my, me)] }

/* A place for a name that has none, and the node that the participant gets for its spare one: a fresh one, or that of a recovered partition. */
inline makeRoom(isComing) {
  d_step {
    c = 0; pl = NONE; isFresh = false;
    do
    :: c < PLACES && pl == NONE ->
       w = word[PLACE(my, c)];
#ifdef NO_COUNT
       if :: NODE(w) == 0 && used[TARGET] < NODES ->
#else
       if :: NODE(w) == 0 && used[TARGET] + (isComing -> 0 : kept[TARGET]) < NODES ->
#endif
             pl = c; capture(PLACE(my, c), w, 0); isFresh = true
          :: else fi;
       c++
    :: else -> break
    od;
    c = 0;
    do
    :: c < PLACES && pl == NONE ->
       w = word[PLACE(my, c)];
#ifdef EVICT_PINNED
       if :: NODE(w) && SUM(my, NODE(w)) == 0 -> pl = c;
#else
       if :: NODE(w) && SUM(my, NODE(w)) == 0 && PINNED(my, NODE(w), TARGET) == 0 -> pl = c;
#endif
             capture(PLACE(my, c), w, 0) :: else fi;
       c++
    :: else -> break
    od;
    captureSlot(); n = NODE(old);
    if :: isFresh -> ew = used[TARGET] + 1 :: else -> ew = NODE(pw) fi;
    w = 0; c = 0
  }
}

inline note_present() { inside[me] = true; my = REGION(BLOCK(HEAD)); uses[me] = my; era = gen[my] }

/*
 * What a thread does from one step to the next is one step, as long as it only reads what a head that is still the present one covers, and writes to
 * what is its own. With STALE, these are steps apart.
 */
#ifdef STALE
#define NOW(label) label
#else
#define NOW(label) label##Now
#endif

proctype Thread(byte me) {
  byte tries, my, era, room, key, tier, phase, at, cnt, w, n, pl, ew, bp, refused, victim, r, was, mine, wants;
  bool isFresh;
  mtype op;

birth:
  skip;
  d_step { tries = TRIES * AGAIN(me); pl = NONE; bp = NONE };
idle:
end_idle:
  if
  :: atomic { mine -> op = GIVE; key = mine; goto enterNow }
  :: atomic { tries && !mine && !wants && TAKES(me) -> op = TAKE; tries--; select (key : 1 .. KEYS); select (tier : 0 .. LAST_TIER); goto enterNow }
  :: atomic { wants -> op = TAKE; key = wants; select (tier : 0 .. LAST_TIER); goto enterNow }
  :: atomic { wants -> op = WITHDRAW; goto enterNow }
#ifdef PINS
  :: atomic { tries && !pkey[me] && WAITS(me) -> op = PIN; tries--; select (key : 1 .. KEYS); goto enterNow }
  :: atomic { pkey[me] && pera[me] != inForce -> op = PIN; key = pkey[me]; goto enterNow }
  :: atomic { pkey[me] -> op = UNPIN; key = pkey[me]; goto enterNow }
  :: atomic { pinning[BLOCK(HEAD)] & (4 << me) -> op = ARRIVE; goto enterNow }
#endif
  :: atomic { from[REGION(BLOCK(HEAD))] != NONE && GONE(BLOCK(HEAD)) < PLACES -> op = PASS; goto enterNow }
  :: atomic { redefs < REDEFS -> op = REDEFINE; redefs++; note_present(); goto seize }
  :: atomic { dead[1 - me] -> op = RECLAIM; victim = 1 - me; was = life[victim]; goto enterNow }
  :: DIE
  fi;

seize: /* REDEFINE: takes a room that is free, and lays out the next region there. */
  STEP(
    select (room : 1 .. ROOMS);
    d_step {
#ifdef NO_FROM
      c = (room == REGION(BLOCK(HEAD)) || maker[room]);
      j = 0; do :: j < P -> c = c || (inside[j] && uses[j] == room); j++ :: else -> break od;
#else
      isKept(room);
#endif
      j = 0;
      if
      :: c -> room = 0
      :: else -> maker[room] = me + 1; lay(room); gen[room] = era + 1; from[room] = my;
#ifdef NO_DRAIN
         phase = 2
#else
         phase = 1
#endif
      fi;
      c = 0
    };
    if :: room == 0 -> over(); goto idle :: else -> goto again fi );

enter: /* The head is read at some time after that. */
  STEP(
    skip;
enterNow:
    skip;
    note_present(); goto NOW(again) );

again:
  STEP(
    skip;
againNow:
    skip;
    head = HEAD; onTime[me] = true;
#ifndef NO_MOVED
    if :: REGION(BLOCK(head)) != my -> goto moved :: else fi;
#endif
    if :: op == RECLAIM && life[victim] != was -> over(); goto idle :: else fi;
#ifdef NO_FINISH
    if :: op == REDEFINE && phase == 2 -> goto NOW(copy) :: else fi;
#endif
    goto NOW(check) );
check: /* Is there a record, and has its last word been done? */
  STEP(
    skip;
checkNow:
    skip;
    cnt = rc[BLOCK(head)];
#ifdef DRAINED_TORN
    if :: phase == 1 && cnt == 0 -> goto copy :: else fi;
#endif
    if :: cnt == 0 -> goto NOW(copy) :: else fi;
    if :: word[RA(BLOCK(head), cnt - 1)] != RO(BLOCK(head), cnt - 1) -> cnt = 0; goto NOW(copy) :: else fi;
    at = 0;
    do
    :: at < cnt -> ea(at) = RA(BLOCK(head), at); eo(at) = RO(BLOCK(head), at); en(at) = RN(BLOCK(head), at); at++
    :: else -> break
    od;
    at = 0;
    goto NOW(validate) );
validate:
  STEP(
    skip;
validateNow:
    skip;
#ifndef NO_VALIDATE
    if :: HEAD == head :: else -> assert(!onTime[me]); clearAttempt(); goto again fi
#endif
  );
  do
  :: at < cnt ->
     STEP(
#ifdef PLAIN_REDO
       w = ea(at); n = en(at); setWord(w, n);
#else
       if :: word[ea(at)] == eo(at) -> w = ea(at); n = en(at); setWord(w, n); assert(HEAD == head) :: else fi;
#endif
       w = 0; n = 0; at++ )
  :: else -> break
  od;

copy: /* Copies the block, and looks for the name in the present table, and before. */
  STEP(
#ifndef STALE
#ifdef DRAINED_TORN
    if :: HEAD != head && phase != 1 -> clearAttempt(); goto again :: else fi;
#else
    if :: HEAD != head -> clearAttempt(); goto again :: else fi;
#endif
#endif
    skip;
copyNow:
    skip;
    if :: op == REDEFINE && phase == 2 -> goto NOW(write) :: else fi;
    d_step {
      c = 0; do :: c < MAXR -> ea(c) = 0; eo(c) = 0; en(c) = 0; c++ :: else -> break od; c = 0;
      at = 0; cnt = 0;
      assert(gen[my] == era);
      use[TARGET] = use[BLOCK(head)]; used[TARGET] = used[BLOCK(head)]; passed[TARGET] = passed[BLOCK(head)];
      kept[TARGET] = kept[BLOCK(head)]; rc[TARGET] = 0; pinning[TARGET] = pinning[BLOCK(head)];
      TOT(TARGET, 0) = TOT(BLOCK(head), 0); TOT(TARGET, 1) = TOT(BLOCK(head), 1);
      CLAIM(TARGET, 0) = CLAIM(BLOCK(head), 0); CLAIM(TARGET, 1) = CLAIM(BLOCK(head), 1)
    };
    if
    :: op == PASS || phase == 1 ->
       /* The places before, from where the last one came to. */
       if :: from[my] == NONE || GONE(TARGET) >= PLACES -> goto drained :: else fi;
       bp = GONE(TARGET); capture(PLACE(from[my], bp), word[PLACE(from[my], bp)], 1); GONE(TARGET) = GONE(TARGET) + 1;
       if :: NODE(bw) == 0 -> bp = NONE; bw = 0; goto publish :: else -> goto lift fi
    :: op == WITHDRAW -> CLAIM(TARGET, me) = 0; goto publish
    :: op == ARRIVE -> pinning[TARGET] = pinning[TARGET] & ~(4 << me); goto publish
    :: op == RECLAIM && phase == 2 && r == PLACES -> pinning[TARGET] = pinning[TARGET] & ~(1 << victim); goto publish
    :: op == RECLAIM && phase == 0 ->
#ifndef KEEP_CLAIM
       CLAIM(TARGET, victim) = 0;
#endif
#ifndef KEEP_PINS
       pinning[TARGET] = pinning[TARGET] & ~(4 << victim);
#endif
       goto publish
    :: op == RECLAIM && phase == 2 && r < PLACES ->
       /* The next place. */
       pl = r; capture(PLACE(my, r), word[PLACE(my, r)], 0);
       if :: NODE(pw) == 0 || (NH(my, NODE(pw), victim) == 0 && !(npin[AT(my, NODE(pw))] & (1 << victim))) -> goto recheck :: else -> key = nkey[AT(my, NODE(pw))]; goto NOW(known) fi
    :: else
    fi;
    d_step {
      c = 0;
      do
      :: c < PLACES ->
         w = word[PLACE(my, c)];
         if :: NODE(w) && nkey[AT(my, NODE(w))] == key -> pl = c; capture(PLACE(my, c), w, 0) :: else fi;
#ifndef NO_BEFORE
         if
         :: from[my] != NONE && GONE(TARGET) < PLACES ->
            w = word[PLACE(from[my], c)];
            if :: NODE(w) && nkey[AT(from[my], NODE(w))] == key -> bp = c; capture(PLACE(from[my], c), w, 1) :: else fi
         :: else
         fi;
#endif
         c++
      :: else -> break
      od;
      c = 0; w = 0
    };
    if
    :: pl != NONE -> bp = NONE; bw = 0; goto NOW(known)
    :: pl == NONE && bp != NONE -> goto lift
    :: else -> goto NOW(absent)
    fi );
absent:
  STEP(
    skip;
absentNow:
    skip;
    if
    :: op == TAKE || op == PIN ->
       makeRoom(false);
       if
       :: pl == NONE -> refused = 4; goto recheck
       :: else -> mayWrite(my, era, n); d_step { nkey[AT(my, n)] = key; ntier[AT(my, n)] = tier; npin[AT(my, n)] = 0; NH(my, n, 0) = 0; NH(my, n, 1) = 0 }
       fi
    :: else -> goto recheck
    fi;
    goto NOW(change) );

known:
  STEP(
    skip;
knownNow:
    skip;
    captureSlot(); n = NODE(old); ew = NODE(pw);
    mayWrite(my, era, n);
    d_step {
      nkey[AT(my, n)] = nkey[AT(my, NODE(pw))]; ntier[AT(my, n)] = ntier[AT(my, NODE(pw))];
      npin[AT(my, n)] = (npin[AT(my, NODE(pw))] & 3) | (npin[AT(my, NODE(pw))] & pinning[TARGET] & 12);
      NH(my, n, 0) = NH(my, NODE(pw), 0); NH(my, n, 1) = NH(my, NODE(pw), 1)
    };
    goto NOW(change) );

lift: /* Copies it to the own spare node before. */
  STEP(
    w = NODE(word[SLOT(from[my], me)]);
#ifdef IN_PLACE
    w = NODE(bw);
#endif
    mayWrite(from[my], era - 1, w);
    d_step {
      nkey[AT(from[my], w)] = nkey[AT(from[my], NODE(bw))]; ntier[AT(from[my], w)] = ntier[AT(from[my], NODE(bw))];
#ifdef PINS_LOST
      npin[AT(from[my], w)] = 0;
#else
      npin[AT(from[my], w)] = BEFORE_PINS(NODE(bw));
#endif
      NH(from[my], w, 0) = NH(from[my], NODE(bw), 0); NH(from[my], w, 1) = NH(from[my], NODE(bw), 1)
    };
    if
#ifdef PINS_STAY
    :: SUM(from[my], w) == 0 ->
#else
    :: SUM(from[my], w) == 0 && npin[AT(from[my], w)] == 0 -> /* It had recovered. */
#endif
       bp = NONE; bw = 0; w = 0;
       if
       :: op == PASS || phase == 1 -> kept[TARGET] = kept[TARGET] - 1; goto publish
       :: else -> goto NOW(absent)
       fi
    :: else
    fi );
  /* Writes it to the own spare node, under the present definitions. */
  STEP(
    makeRoom(true);
    w = NODE(word[SLOT(from[my], me)]);
#ifdef IN_PLACE
    w = NODE(bw);
#endif
    /* As long as nodes are kept for those that come, one is there. */
    assert(pl != NONE || !onTime[me]);
    if :: pl == NONE -> goto recheck :: else fi;
    mayWrite(my, era, n);
    d_step {
      nkey[AT(my, n)] = nkey[AT(from[my], w)]; ntier[AT(my, n)] = LAST_TIER - ntier[AT(from[my], w)];
#ifdef PINS_ANEW
      npin[AT(my, n)] = npin[AT(from[my], w)];
#else
      npin[AT(my, n)] = npin[AT(from[my], w)] << 2;
#endif
      NH(my, n, 0) = NH(from[my], w, 0); NH(my, n, 1) = NH(from[my], w, 1); w = 0
    };
    goto NOW(change) );

change:
  STEP(
    skip;
changeNow:
    skip;
    mayWrite(my, era, n);
    if
    :: op == PASS || phase == 1
    :: op == PIN -> npin[AT(my, n)] = (npin[AT(my, n)] | (1 << me)) & ~(4 << me); pinning[TARGET] = pinning[TARGET] | (1 << me)
    :: op == UNPIN -> npin[AT(my, n)] = npin[AT(my, n)] & ~(5 << me)
    :: op == TAKE ->
       ntier[AT(my, n)] = tier;
       if :: SUM(my, n) >= CAPS(era, tier) -> refused = refused | 1 :: else fi;
       if :: use[TARGET] >= CAP -> refused = refused | 2 :: else fi;
#ifdef CLAIM_ANY
       if :: CLAIM(TARGET, 1 - me) -> refused = refused | 8 :: else fi;
#else
       if :: CLAIM(TARGET, 1 - me) == key && !wants -> refused = refused | 8 :: else fi;
#endif
       if
       :: !refused -> NH(my, n, me) = NH(my, n, me) + 1; TOT(TARGET, me) = TOT(TARGET, me) + 1; use[TARGET] = use[TARGET] + 1; CLAIM(TARGET, me) = 0
#ifdef CLAIMS
       /* Staged anew, and published with the claim: what was found goes over with it, in the tier that the request names. */
       :: refused && !wants && (refused & 8) == 0 -> CLAIM(TARGET, me) = key
#endif
       :: else -> goto recheck
       fi
    :: else ->
       c = (op == GIVE -> me : victim);
       use[TARGET] = use[TARGET] - NH(my, n, c); TOT(TARGET, c) = TOT(TARGET, c) - NH(my, n, c); NH(my, n, c) = 0;
       if :: op == RECLAIM -> npin[AT(my, n)] = npin[AT(my, n)] & ~(1 << c) :: else fi;
       c = 0
    fi;
    /* Notes: the place, the place before, the slot. What comes and has recovered gets no place. */
    d_step {
      cnt = 0;
      c = (op == PIN || op == UNPIN || SUM(my, n) > 0 || npin[AT(my, n)] || (pl != NONE && !isFresh && bp == NONE && NODE(pw) && nkey[AT(my, NODE(pw))] == nkey[AT(my, n)]));
      if
      :: c ->
         note(PLACE(my, pl), pw, n);
         if :: isFresh -> used[TARGET] = used[TARGET] + 1 :: else fi
      :: else
      fi;
      if
      :: bp != NONE ->
#ifndef NO_VACATE
#ifndef VACATE_APART
         note(PLACE(from[my], bp), bw, 0);
#endif
#endif
         kept[TARGET] = kept[TARGET] - 1
      :: else
      fi;
      if :: c -> note(SLOT(my, me), old, ew) :: else fi;
      rc[TARGET] = cnt; c = 0
    } );
#ifdef VACATE_EARLY
  if :: bp != NONE -> STEP( w = PLACE(from[my], bp); setWord(w, 0); w = 0; at = (cnt > 1); RO(TARGET, at) = word[PLACE(from[my], bp)]; at = 0 ) :: else fi;
#endif
  goto publish;

recheck:
  STEP(
    if
    :: HEAD == head ->
       if
       :: op == TAKE ->
          assert(refused);
          assert(!(refused & 1) || GSUM(key) >= CAPS(inForce, tier));
          assert(!(refused & 2) || guse >= CAP);
          assert(!(refused & 8) || gclaim[1 - me] == key);
          over(); goto idle
       :: op == PIN -> assert(refused == 4); over(); goto idle
       :: op == RECLAIM && phase == 2 -> goto next
       :: else -> assert(false)
       fi
    :: else -> assert(!onTime[me]); clearAttempt(); goto again
    fi );

next: /* RECLAIM: the next place. */
  STEP(
    clearAttempt(); key = 0; r++;
    if
    :: r < PLACES
#ifdef PINS
       + 1
#endif
       -> goto again
    :: REGION(BLOCK(HEAD)) != my -> goto moved
    :: else ->
       if
       :: life[victim] == was ->
          assert(dead[victim] && GH(1, victim) == 0 && (KEYS < 2 || GH(KEYS, victim) == 0) && gclaim[victim] == 0);
          assert(!(gpin[1] & (1 << victim)) && !(gpin[KEYS] & (1 << victim)) && !(pinning[BLOCK(HEAD)] & (5 << victim)));
          dead[victim] = false; life[victim]++; living++
       :: else
       fi;
       over(); goto idle
    fi );

drained: /* All have gone over, as the head says. */
  STEP(
    if
#ifdef DRAINED_TORN
    :: true ->
#else
    :: HEAD == head ->
#endif
       clearAttempt();
       if
       :: op == PASS -> over(); goto idle
       :: else -> phase = 2; goto again
       fi
    :: else -> clearAttempt(); goto again
    fi );

moved: /* The set has been redefined: nothing was done. */
  STEP(
    clearAttempt();
    if
    :: op == REDEFINE || op == PASS -> over(); goto idle
    :: else -> leave(); r = 0; if :: op == RECLAIM -> phase = 0 :: else fi; goto enter
    fi );

write: /* REDEFINE: the state, under the next definitions. */
  STEP(
    skip;
writeNow:
    skip;
#ifdef ONE_COPY
    if :: used[room * EACH + 2 * me] -> goto swap :: else fi;
#endif
    d_step {
      at = 0; cnt = 0; c = 0; do :: c < MAXR -> ea(c) = 0; eo(c) = 0; en(c) = 0; c++ :: else -> break od; c = 0;
      w = room * EACH + 2 * me;
      use[w] = use[BLOCK(head)]; used[w] = P; passed[w] = 0; kept[w] = used[BLOCK(head)] - P;
      lastPinning[room] = pinning[BLOCK(head)]; pinning[w] = ((pinning[BLOCK(head)] | (pinning[BLOCK(head)] >> 2)) & 3) << 2;
#ifndef NO_TOTALS
      TOT(w, 0) = TOT(BLOCK(head), 0); TOT(w, 1) = TOT(BLOCK(head), 1);
#endif
      w = 0
    } );
swap:
  STEP(
    if
    :: HEAD == head ->
       d_step {
         moveHead(room * EACH + 2 * me);
         assert(era == inForce); inForce++;
         gclaim[0] = 0; gclaim[1] = 0;
         c = 1; do :: c <= KEYS -> gtier[c] = (GSUM(c) -> LAST_TIER - gtier[c] : 0); c++ :: else -> break od;
#ifdef OWN_PASSED
         ownPassed[0] = 0; ownPassed[1] = 0
#endif
       };
       agree(BLOCK(HEAD), true);
       over(); goto idle
    :: else -> assert(!onTime[me]); clearAttempt(); goto again
    fi );

publish:
  STEP(
    if
    :: HEAD == head ->
       assert(era == inForce);
       cnt = TARGET; moveHead(cnt);
       if
       :: op == TAKE && phase == 0 ->
          if
          :: refused -> gclaim[me] = key; wants = key
          :: else ->
             assert(GSUM(key) < CAPS(inForce, tier) && guse < CAP);
             guse++; GH(key, me) = GH(key, me) + 1; mine = key; gclaim[me] = 0; wants = 0
          fi;
          gtier[key] = (GSUM(key) -> tier : 0)
       :: op == GIVE -> guse--; GH(key, me) = 0; mine = 0; if :: GSUM(key) == 0 -> gtier[key] = 0 :: else fi
       :: op == WITHDRAW -> gclaim[me] = 0; wants = 0
       :: op == PIN && phase == 0 -> gpin[key] = gpin[key] | (1 << me); pkey[me] = key; pera[me] = inForce
       :: op == UNPIN -> gpin[key] = gpin[key] & ~(1 << me); pkey[me] = 0; pera[me] = 0
       :: op == ARRIVE -> if :: pera[me] != inForce -> gpin[pkey[me]] = gpin[pkey[me]] & ~(1 << me); pkey[me] = 0; pera[me] = 0 :: else fi
       :: op == RECLAIM && phase == 0 ->
          gclaim[victim] = 0;
          if :: pera[victim] != inForce -> gpin[pkey[victim]] = gpin[pkey[victim]] & ~(1 << victim); pkey[victim] = 0; pera[victim] = 0 :: else fi
       :: op == RECLAIM && phase == 2 && r == PLACES
       :: op == RECLAIM && phase == 2 && r < PLACES ->
          if :: pkey[victim] == key -> gpin[key] = gpin[key] & ~(1 << victim); pkey[victim] = 0; pera[victim] = 0 :: else fi;
          guse = guse - GH(key, victim); GH(key, victim) = 0; if :: GSUM(key) == 0 -> gtier[key] = 0 :: else fi
       :: else
       fi;
       at = 0; pl = cnt; cnt = rc[pl];
       agree(pl, true)
    :: else -> assert(!onTime[me]); clearAttempt(); goto again
    fi );
  /* The author's own redo. */
  do
  :: at < cnt ->
     STEP( if :: word[RA(pl, at)] == RO(pl, at) -> w = RA(pl, at); n = RN(pl, at); setWord(w, n); w = 0; n = 0 :: else fi; at++; if :: at == cnt -> goto done :: else fi )
  :: else -> break
  od;
done:
  /* All is done, and whoever reads the block from now on need not look. */
  if :: cnt -> STEP( rc[pl] = 0 ) :: else fi;
#ifdef VACATE_APART
  if :: bp != NONE -> STEP( w = PLACE(from[my], bp); setWord(w, 0) ) :: else fi;
#endif
  atomic {
    if
    :: op == RECLAIM && phase == 2 -> goto next
#ifdef RECLAIM_STAYS
    :: op == RECLAIM && phase == 0 -> phase = 2; clearAttempt(); goto again
#else
    :: op == RECLAIM && phase == 0 -> phase = 1; clearAttempt(); goto again
#endif
    :: phase == 1 -> clearAttempt(); goto again
    :: else -> over(); goto idle
    fi
  };

gone:
end_gone:
  /* A new life of the number, with the slots as they are. */
  atomic { !dead[me] && deaths -> goto birth }
}

init {
  atomic {
    d_step {
      lay(0); gen[0] = 0; used[0] = P;
      i = 0; do :: i < REGIONS -> from[i] = NONE; i++ :: else -> break od; i = 0
    };
    HEAD = 16;
    run Thread(0); run Thread(1)
  };
  timeout;
  agree(BLOCK(HEAD), false);
  assert(!dead[0] && !dead[1] && guse == 0 && gclaim[0] == 0 && gclaim[1] == 0)
}
