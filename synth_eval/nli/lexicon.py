"""The vocabulary of both template grammars: own words, none of the nouns and verbs of HANS.

All verbs are past tense and regular in use: the past tense of a transitive verb is also its passive participle, so a
passive keeps full lexical overlap with its active form, and nothing but was/were agrees with its subject.
No transitive verb entails another one of the same tuple, none is symmetric, none has a collective reading.
"""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_PERSONS = _words(
    "baker pilot clerk farmer painter singer waiter driver sailor soldier teacher gardener plumber barber butcher "
    "guard miner hunter builder coach chemist editor cashier detective captain mayor king queen monk wizard juggler "
    "acrobat drummer pianist violinist cousin uncle nephew nurse surgeon dentist potter tailor weaver"
)
_IRREGULAR_PLURALS = {"coach": "coaches"}
PERSONS: tuple[tuple[str, str], ...] = tuple((noun, _IRREGULAR_PLURALS.get(noun, noun + "s")) for noun in _PERSONS)
"""(singular, plural) of nouns for people."""
PERSONS_SINGULAR = tuple(singular for singular, _ in PERSONS)
PERSONS_PLURAL = tuple(plural for _, plural in PERSONS)

_KINDS = {
    "musician": "drummer pianist violinist",
    "relative": "cousin uncle nephew",
    "monarch": "king queen",
    "artisan": "potter tailor weaver",
}
HYPERNYMS = {noun: kind for kind, nouns in _KINDS.items() for noun in nouns.split()}

VERB_SYNONYMS = {
    "praised": "complimented",
    "hugged": "embraced",
    "rescued": "saved",
    "chased": "pursued",
    "scolded": "reprimanded",
    "mocked": "ridiculed",
    "comforted": "consoled",
    "tricked": "deceived",
    "annoyed": "irritated",
    "hired": "employed",
}
TRANSITIVE = (
    *VERB_SYNONYMS,
    *_words(
        "photographed greeted warned invited watched startled visited questioned envied tickled pushed kicked amused "
        "impressed described arrested imitated accused pitied guided rewarded"
    ),
)
VERB_ANTONYMS = {
    "liked": "disliked",
    "respected": "disrespected",
    "trusted": "distrusted",
    "loved": "hated",
    "overestimated": "underestimated",
    "spared": "punished",
    "obeyed": "disobeyed",
}
VERB_ANTONYMS |= {value: key for key, value in VERB_ANTONYMS.items()}

INTRANSITIVE = _words(
    "sang laughed sneezed coughed yawned smiled wept whistled jumped knelt stumbled snored swam sighed shivered "
    "fainted vanished prayed groaned blinked frowned hesitated"
)
INTRANSITIVE_SYNONYMS = {"wept": "cried", "vanished": "disappeared", "groaned": "moaned", "jumped": "leaped"}
VERB_HYPERNYMS = {"strolled": "walked", "limped": "walked", "whispered": "spoke", "mumbled": "spoke"}

TRANSITIVE_OR_NOT = _words("trained washed dressed shaved phoned followed attacked lectured bathed interrupted")
"""Their object can be left out, and a person can be their object (the NP/Z ambiguity)."""
PARTICIPLES = _words("filmed painted sketched served lectured attacked hunted tutored")
"""Past tense without an object or reduced passive, and being V-ed is not V-ing."""
NP_OR_CLAUSE = _words("feared understood doubted reported announced")
"""They take a noun phrase or a clause without 'that', and the first does not follow from the second (NP/S)."""
FACTIVE = _words("realized noticed discovered proved confirmed revealed regretted")
"""Factive or veridical: their clause is true; that of the non-factive ones need not be."""
NON_FACTIVE = _words("suspected guessed feared reported predicted insisted doubted argued")
SUPPOSITION = tuple(verb for verb in NON_FACTIVE if verb not in {"feared", "doubted"})
"""The non-factive ones that are upward monotone: who suspected that two people sang suspected that one of them did."""
UNDERSTOOD_OBJECT = {
    "cooked": ("soup", "stew", "noodles"),
    "baked": ("bread", "cake", "pie"),
    "drank": ("tea", "milk", "juice"),
    "drove": ("van", "truck", "bus"),
    "knitted": ("scarf", "sweater", "mittens"),
    "typed": ("memo", "essay", "invoice"),
    "swept": ("floor", "porch", "stairs"),
    "sewed": ("curtain", "shirt", "blanket"),
    "climbed": ("ladder", "cliff", "tower"),
    "cleaned": ("oven", "sink", "carpet"),
}
"""Verb -> objects that it can be used without: who baked the bread baked."""

PREPOSITIONS = ("near", "beside", "behind", "next to", "in front of", "across from")
RELATIVE = ("who", "that")
PLACES = _words("harbor kitchen station garage attic bakery stadium temple cellar barn castle market")
CITIES = _words("Paris Tokyo Cairo Lima Oslo Boston Madrid Delhi")
DAYS = _words("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
NUMBERS = _words("two three four five six seven eight nine ten")
FEWER = {number: NUMBERS[:place] for place, number in enumerate(NUMBERS) if place}
"""Number -> the smaller ones."""

ADJECTIVES = _words("clever tired hungry brave shy calm lazy polite proud friendly gentle clumsy")
"""Each can be dropped: a clever baker is a baker; none is an antonym of another."""
ADJECTIVE_ANTONYMS = {"tall": "short", "rich": "poor", "awake": "asleep", "married": "single", "alive": "dead"}
ADJECTIVE_ANTONYMS |= {value: key for key, value in ADJECTIVE_ANTONYMS.items()}
MANNER_ANTONYMS = {"loudly": "quietly", "quickly": "slowly", "happily": "gloomily"}
MANNER_ANTONYMS |= {value: key for key, value in MANNER_ANTONYMS.items()}

# A clause after these is asserted ...
VERIDICAL_CONJUNCTIONS = ("since", "because", "although", "though", "even though", "after", "once", "when", "while")
VERIDICAL_ADVERBS = ("luckily", "sadly", "surprisingly", "undeniably", "indeed", "in fact", "without question")
# ... and after these it is not.
CONDITIONALS = ("if", "unless", "in case", "whether or not", "provided that", "assuming that")
"""The clause that they open is not asserted."""
REAL_CONDITIONALS = tuple(word for word in CONDITIONALS if word != "whether or not")
"""Nor is the main clause after them: another condition makes another claim."""
MAIN_CLAUSE_CONDITIONALS = ("if", "unless", "provided that", "assuming that")
"""The main clause that follows is not asserted."""
MAIN_CLAUSE_VERIDICAL = (*VERIDICAL_CONJUNCTIONS, "before", "whether or not")
"""The main clause that follows is asserted."""
NON_VERIDICAL_ADVERBS = ("perhaps", "possibly", "allegedly", "reportedly", "presumably")
