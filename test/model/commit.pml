#ifndef NUMBERS
#define NUMBERS 3
#endif
#ifndef THREADS
#define THREADS 4
#endif
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
#ifndef VERSIONS
#define VERSIONS 32
#endif

/* ---- layout ---- */
#define BLOCKS 8
#define USED 0
#define IN_USE 1
#define HELD 2
#define WORDS (HELD + NUMBERS)
#define WORD(block, i) word[(block) * WORDS + (i)]
byte word[2 * NUMBERS * WORDS];

#define BLOCK(h) ((h) % BLOCKS)
#ifdef NO_VERSION
#define NEXT(h, block) (block)
#define FIRST_HEAD 0
#else
#define NEXT(h, block) ((((h) / BLOCKS + 1) % VERSIONS) * BLOCKS + (block))
#define FIRST_HEAD ((VERSIONS - 2) * BLOCKS)
#endif
byte HEAD = FIRST_HEAD;

byte life[NUMBERS];
#define ATTACHED(l) ((l) % 2 == 1)

/* ---- ghosts ---- */
byte used;
byte own[THREADS];
byte number[THREADS];
byte owner[NUMBERS];
bool gone[THREADS];
byte deaths;
byte alive = NUMBERS;
mtype = { TAKE, GIVE, LOOK, RECLAIM }
byte seen[THREADS];
byte commits;
hidden byte i, j, sum, owned;
byte from[THREADS];
byte to[THREADS];
#define POISON 99

#ifdef ONE_BLOCK
#define TARGET(p, h) (2 * (p))
#else
#ifdef SHARED_BLOCKS
#define TARGET(p, h) (1 - BLOCK(h))
#else
#define TARGET(p, h) (2 * (p) + (BLOCK(h) == 2 * (p)))
#endif
#endif

#define LOST(n) (ATTACHED(life[n]) && gone[owner[n]])

inline agree(block) {
  d_step {
    assert(WORD(block, USED) == used && used <= CALLS);
    sum = 0;
    i = 0;
    do
    :: i < NUMBERS -> sum = sum + WORD(block, HELD + i); i++
    :: else -> break
    od;
    owned = 0;
    i = 0;
    do
    :: i < THREADS ->
      owned = owned + own[i];
      assert(own[i] == 0 || WORD(block, HELD + number[i]) == own[i]);
      i++
    :: else -> break
    od;
    assert(WORD(block, IN_USE) == sum && sum == owned && sum <= SLOTS);
    i = 0; sum = 0; owned = 0
  }
}

inline sweep() {
#ifndef NOSWEEP
  d_step {
    i = 0;
    do
    :: i < 2 * NUMBERS ->
      j = 0;
      do
      :: j < THREADS && from[j] != i + 1 && to[j] != i + 1 -> j++
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
    i = 0; j = 0
  }
#else
  skip
#endif
}

inline overtake() {
  d_step {
    i = 0;
    do
    :: i < THREADS -> seen[i] = (seen[i] > 0 -> 2 : 0); i++
    :: else -> break
    od;
    i = 0
  }
}

#define PUT(i, value) assert(target != BLOCK(HEAD)); WORD(target, i) = value
#define GET(i) WORD(target, i)
#define target TARGET(p, head)

inline forget() {
  head = 0; at = 0; op = 0; n = 0; life_seen = 0; victim = 0; refused = 0; seen[me] = 0; from[me] = 0; to[me] = 0;
  sweep()
}

#define DIE atomic { \
  deaths < DEATHS && alive > 1 -> \
  deaths++; alive--; gone[me] = true; forget(); p = 0; tries = 0; goto dead \
}

proctype Thread(byte me) {
  byte p, tries, head, at, n, life_seen, victim, refused;
  mtype op;
  d_step {
    tries = TRIES;
    p = me
  };
  if
  :: me < NUMBERS -> goto idle
  :: else
  fi;

end_attach:
  atomic {
    if
    :: !ATTACHED(life[0]) -> p = 0
    :: !ATTACHED(life[1]) -> p = 1
#if NUMBERS > 2
    :: !ATTACHED(life[2]) -> p = 2
#endif
    fi;
    life_seen = life[p]
  };
  atomic {
    if
#ifdef PLAIN_ATTACH
    :: true ->
#else
    :: life[p] == life_seen ->
#endif
      assert(!ATTACHED(life[p]) || gone[owner[p]]);
      life[p] = life_seen + 1;
      owner[p] = me;
      number[me] = p;
      alive++;
      life_seen = 0
    :: else -> life_seen = 0; goto end_attach
    fi
  };

idle:
end_idle:
  if
  :: atomic { own[me] > 0 -> op = GIVE }
  :: atomic { tries > 0 && own[me] == 0 -> tries--; op = TAKE }
#ifndef NO_LOOK
  :: atomic { tries > 0 -> tries--; op = LOOK }
#endif
  :: atomic { LOST(0) -> n = 0; life_seen = life[0]; victim = owner[0]; op = RECLAIM }
  :: atomic { LOST(1) -> n = 1; life_seen = life[1]; victim = owner[1]; op = RECLAIM }
#if NUMBERS > 2
  :: atomic { LOST(2) -> n = 2; life_seen = life[2]; victim = owner[2]; op = RECLAIM }
#endif
  :: DIE
  fi;

again:
  if
  :: atomic {
      head = HEAD;
      seen[me] = 1;
      from[me] = BLOCK(head) + 1;
      to[me] = target + 1;
      sweep();
      refused = 0;
      if
#ifndef LIFE_FIRST
      :: op == RECLAIM
#endif
      :: else -> goto stage
      fi
    }
  :: DIE
  fi;
  if
  :: atomic { life[n] == life_seen }
  :: atomic { life[n] != life_seen -> forget(); goto idle }
  :: DIE
  fi;

stage:
  do
  :: atomic {
      PUT(at, WORD(BLOCK(head), at));
      at++;
      if
      :: at < WORDS
      :: else ->
        at = 0;
        from[me] = 0;
        sweep();
        if
        :: op == TAKE -> goto take
        :: op == LOOK -> goto recheck
        :: else -> if :: op == GIVE -> n = p :: else fi; break
        fi
      fi
    }
  :: DIE
  od;

  /* give back */
  if
  :: atomic { 
       PUT(IN_USE, GET(IN_USE) - GET(HELD + n)) }
  :: DIE
  fi;
  if
  :: atomic { PUT(HELD + n, 0); goto publish }
  :: DIE
  fi;

take:
  if
  :: atomic {
      if
      :: GET(USED) < CALLS -> PUT(USED, GET(USED) + 1)
      :: else -> refused = 1
      fi
    }
  :: DIE
  fi;
  if
  :: atomic {
      if
      :: GET(IN_USE) < SLOTS -> PUT(IN_USE, GET(IN_USE) + 1)
      :: else -> refused = refused + 2; goto recheck
      fi
    }
  :: DIE
  fi;
  if
  :: atomic {
      PUT(HELD + p, GET(HELD + p) + 1);
      if
      :: refused -> goto recheck
      :: else -> goto publish
      fi
    }
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
        :: op == LOOK -> agree(target)
        :: else ->
          assert((refused % 2 == 1) == (used == CALLS));
          assert((refused / 2 == 1) == (WORD(BLOCK(HEAD), IN_USE) == SLOTS))
        fi;
        forget();
        goto idle
      :: else ->
        assert(seen[me] == 2);
        goto again
      fi
    }
  :: DIE
  fi;

publish:
  if
  :: atomic {
      if
      :: HEAD == head ->
        HEAD = NEXT(head, target);
        if
        :: op == TAKE -> used++; own[me]++
        :: op == GIVE -> own[me] = 0
        :: op == RECLAIM -> own[victim] = 0
        fi;
        agree(target);
        overtake();
        commits++;
#ifndef FULL_WRAP
        assert(commits < VERSIONS);
#endif
        if
        :: op == RECLAIM -> head = 0; seen[me] = 0; refused = 0; to[me] = 0; sweep()
        :: else -> forget(); goto idle
        fi
      :: else ->
        assert(seen[me] == 2);
        goto again
      fi
    }
  :: DIE
  fi;
  if
  :: atomic {
      if
      :: life[n] == life_seen -> 
        assert(own[victim] == 0);
        life[n] = life_seen + 1
      :: else
      fi;
      forget();
      goto idle
    }
  :: DIE
  fi;

dead:
  skip
}

init {
  atomic {
    i = 0;
    do
    :: i < NUMBERS -> life[i] = 1; owner[i] = i; number[i] = i; i++
    :: else -> break
    od;
    i = 0;
    do
    :: i < THREADS -> run Thread(i); i++
    :: else -> break
    od;
    i = 0
  };
  timeout;
  assert(WORD(BLOCK(HEAD), IN_USE) == 0)
}
