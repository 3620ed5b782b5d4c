"""The other half of the constructions: hypotheses with at least one word that is not in the premise.

Same notation and readings as ``phenomena``.
"""

from __future__ import annotations

from synth_eval.nli.labels import CONTRADICTION, ENTAILMENT, NEUTRAL
from synth_eval.nli.phenomena import (
    ALL_ENTAILED,
    CERTAIN,
    ENTAILED_NEVER,
    FALSE,
    HEDGED,
    OPEN,
    Patterns,
)
from synth_eval.nli.templates import asserted, changed, read

_WITHOUT: dict[str, Patterns] = {
    ENTAILMENT: {
        "synonym": read("""N1 SYN1 N2 -> N1 SYNB1 N2 ; N1 and N2 SYN1 N3 -> N1 SYNB1 N3 ;
            N1 BE1 SYN1 by N2 -> N2 SYNB1 N1 ; N1 ISYN1 -> N1 ISYNB1 ; N1 never SYN1 N2 -> N1 never SYNB1 N2 ;
            N1 never ISYN1 -> N1 never ISYNB1 ; N1 P1 N2 SYN1 N3 -> N1 P1 N2 SYNB1 N3 ;
            N1 P1 N2 ISYN1 -> N1 P1 N2 ISYNB1 ; N1 SYN1 N2 in the PLACE1 -> N1 SYNB1 N2 in the PLACE1 ;
            N1 ISYN1 in the PLACE1 -> N1 ISYNB1 in the PLACE1 ;
            N1 SYN1 N2 because N3 VP1 -> N1 SYNB1 N2 because N3 VP1 ;
            N1 ISYN1 because N2 VP1 -> N1 ISYNB1 because N2 VP1 ; the ADJ1 SG1 SYN1 N1 -> the ADJ1 SG1 SYNB1 N1 ;
            the ADJ1 SG1 ISYN1 -> the ADJ1 SG1 ISYNB1 ; N1 ISYN1 MANNER1 -> N1 ISYNB1 MANNER1 ;
            no one VP1 -> nobody VP1"""),
        "hypernym": read("""the HYPO1 VP1 -> some HYPER1 VP1 ; N1 V1 the HYPO1 -> N1 V1 some HYPER1 ;
            N1 HYPOV1 -> N1 HYPERV1 ; N1 never HYPERV1 -> N1 never HYPOV1 ; N1 VP1 -> someone VP1 ;
            N1 OPTOBJ1 the OBJ1 -> someone OPTOBJ1"""),
        "passive": read("""N1 V1 N2 -> N2 BE2 V1 by N1 ; N1 REL1 V1 N2 I1 -> N2 BE2 V1 by N1"""),
        "passive_negated": read("""N1 never V1 N2 -> N2 BE2 never V1 by N1 ;
            nobody V1 N1 -> N1 BE1 never V1 by N2"""),
        "number": read("""NUM1 PL1 VP1 -> at least FEWER1 PL1 VP1 | some PL1 VP1 ;
            no more and no fewer than NUM1 PL1 VP1 -> exactly NUM1 PL1 VP1 ; all the PL1 VP1 -> some PL1 VP1"""),
        "antonym": read("""N1 BE1 OPPADJ1 -> N1 BE1 not OPPADJB1"""),
        "universal": read("""everyone VP1 -> N1 VP1 ; everyone but N1 VP1 -> N2 VP1 ; N1 V1 everyone -> N1 V1 N2 ;
            everyone V1 N1 -> N2 V1 N1 ; everyone was OPPADJ1 -> N1 BE1 OPPADJ1 ;
            everyone was born in CITY1 -> N1 BE1 born in CITY1 ; everyone retired on DAY1 -> N1 retired on DAY1"""),
        "order": read("""N1 VP1 before N2 VP2 -> N2 VP2 after N1 VP1"""),
        "negation": read("""neither N1 nor N2 VP1 -> N1 never VP1 ; N1 , not N2 , VP1 -> N2 never VP1 ;
            everyone but N1 VP1 -> N1 never VP1 ; it is false that the SG1 I1 -> the SG1 never I1 ;
            it is false that the SG1 V1 the SG2 -> the SG1 never V1 the SG2 ;
            nobody VP1 -> N1 never VP1 | no PL1 VP1 | none of the PL1 VP1 ; only N1 VP1 -> N2 never VP1 ;
            N1 V1 nobody -> N1 never V1 N2"""),
    },
    NEUTRAL: {
        "added_modifier": read("""the SG1 VP1 -> the ADJ1 SG1 VP1 ; PL1 VP1 -> ADJ1 PL1 VP1 ;
            N1 VP1 -> N1 P1 N2 VP1 | N1 VP1 in the PLACE1 ; N1 I1 -> N1 I1 MANNER1 ;
            N1 BE1 V1 by N2 -> N2 V1 N1 in the PLACE1 ; N1 lived in CITY1 -> N1 BE1 born in CITY1 ;
            N1 arrived on DAY1 -> N1 retired on DAY1"""),
        "added_clause": read("""N1 VP1 -> N1 VP1 because N2 VP2 | N1 VP1 after N2 VP2 ;
            N1 REL1 V1 N2 VP1 -> N1 VP1 because N3 VP2 ; N1 and N2 VP1 -> N1 VP1 after N3 VP2 ;
            SURELY1 N1 VP1 -> N1 VP1 because N2 VP2"""),
        "other_person_or_act": (
            *changed((*ALL_ENTAILED, *HEDGED), "N|SG|PL|VP|V|I", r"\g<1>9"),
            *changed(FALSE, "N|SG|PL|VP|V|I", r"\g<1>9"),
            *changed(OPEN, "N|SG|PL|VP|V|I", r"\g<1>9"),
            *read("""N1 NPS1 N2 -> N3 NPS1 N2 ; N1 NPZ1 N2 -> N1 NPZ1 N3 ; N1 PART1 N2 in the PLACE1 -> N3 PART1 N2 ;
                only N1 VP1 -> N2 VP2 | N1 VP2 | N2 never VP2 ; nobody but N1 VP1 -> N2 VP2 | N1 VP2 | N2 never VP2 ;
                nobody VP1 -> N1 VP2 | N1 never VP2 ; nobody V1 N1 -> N1 V1 N2 | N1 never V1 N2 ;
                N1 V1 nobody -> N2 V1 N1 | N2 never V1 N1 ; neither N1 nor N2 VP1 -> N3 VP1 | N1 VP2 ;
                everyone VP1 -> N1 VP2"""),
        ),
        "other_person_or_act_negated": (
            *changed(ENTAILED_NEVER, "N|SG|VP|V", r"\g<1>9"),
            *changed(CERTAIN, "VP|V|I", r"never \g<1>9"),
            *read("""N1 VP1 -> N2 never VP1 ; N1 P1 N2 VP1 -> N2 never VP1 ; N1 and N2 VP1 -> N3 never VP1 ;
                N1 REL1 V1 N2 VP1 -> N2 never VP1 ; N1 never VP1 -> N2 never VP1 | N2 VP1 ;
                N1 never V1 N2 -> N1 never V2 N2"""),
        ),
        "hyponym": read("""some HYPER1 VP1 -> the HYPO1 VP1 ; N1 HYPERV1 -> N1 HYPOV1 ;
            N1 never HYPOV1 -> N1 HYPERV1 | N1 never HYPERV1"""),
        "quantifier": read("""at least FEWER1 PL1 VP1 -> exactly NUM1 PL1 VP1 ;
            some PL1 VP1 -> at least NUM1 PL1 VP1 | exactly NUM1 PL1 VP1 ;
            N1 VP1 -> some PL1 VP1 | someone VP2 | nobody VP2 ;
            N1 never VP1 -> nobody VP1 | someone VP1 | no PL1 VP1 | none of the PL1 VP1 | some PL1 VP1 ;
            the HYPO1 never VP1 -> some HYPER1 VP1"""),
        "role_swap": read("""N1 V1 N2 -> N1 BE1 V1 by N2 ; N1 never V1 N2 -> N1 BE1 V1 by N2 | N1 BE1 never V1 by N2 ;
            N1 SYN1 N2 -> N2 SYNB1 N1 ; N1 never SYN1 N2 -> N2 SYNB1 N1 ; N1 OPPV1 N2 -> N2 OPPVB1 N1"""),
        "other_state": read("""N1 BE1 OPPADJ1 -> N2 BE2 OPPADJ1 | N2 BE2 OPPADJB1 | N2 BE2 not OPPADJ1 | N2 BE2 not
            OPPADJB1 ;
            N1 BE1 born in CITY1 -> N2 BE2 born in CITY1 | N2 BE2 born in CITY2 ;
            N1 retired on DAY1 -> N2 retired on DAY1 | N2 retired on DAY2"""),
    },
    CONTRADICTION: {
        "denial": changed(CERTAIN, "VP|V|I", r"never \g<1>\g<2>"),
        "other_verb": read("""N1 OPTOBJ1 the OBJ1 -> N1 never OPTOBJ1 ; N1 NPS1 N2 -> N1 never NPS1 N2 ;
            N1 NPZ1 N2 -> N1 never NPZ1 N2 ;
            N1 PART1 N2 in the PLACE1 -> N1 never PART1 N2"""),
        "synonym": read("""N1 SYN1 N2 -> N1 never SYNB1 N2 ; N1 never SYN1 N2 -> N1 SYNB1 N2 ;
            N1 never ISYN1 -> N1 ISYNB1 ; N1 never HYPERV1 -> N1 HYPOV1 ; N1 BE1 never SYN1 by N2 -> N2 SYNB1 N1"""),
        "antonym": read("""N1 BE1 OPPADJ1 -> N1 BE1 OPPADJB1 | N1 BE1 not OPPADJ1 ;
            N1 OPPV1 N2 -> N1 OPPVB1 N2 | N2 BE2 OPPVB1 by N1 | N1 OPPVB1 N2 because N3 VP1 ;
            N1 P1 N2 OPPV1 N3 -> N1 OPPVB1 N3 | N1 P1 N2 OPPVB1 N3 ; N1 and N2 OPPV1 N3 -> N2 OPPVB1 N3 ;
            N1 BE1 OPPV1 by N2 -> N2 OPPVB1 N1 ; N1 I1 MANNER1 -> N1 I1 MANNERB1"""),
        "nobody": read("""nobody VP1 -> N1 VP1 | N1 P1 N2 VP1 | N1 VP1 in the PLACE1 | N1 VP1 because N2 VP2 | the
            ADJ1 SG1 VP1 ;
            nobody VP1 -> N1 VP1 after N2 VP2 | someone VP1 | some HYPER1 VP1 | some PL1 VP1 | at least NUM1 PL1 VP1 ;
            nobody V1 N1 -> N2 V1 N1 | N1 BE1 V1 by N2 ; N1 V1 nobody -> N1 V1 N2 | N2 BE2 V1 by N1 ;
            N1 VP1 -> nobody VP1 ; N1 and N2 VP1 -> nobody VP1"""),
        "exclusive": read("""only N1 VP1 -> N2 VP1 ; only N1 and N2 VP1 -> N3 VP1 ; nobody but N1 VP1 -> N2 VP1 ;
            N1 V1 nobody but N2 -> N1 V1 N3 ; N1 V1 only N2 -> N1 V1 N3"""),
        "false_of_all": read("""it is false that someone VP1 -> N1 VP1 | N1 P1 N2 VP1 | N1 VP1 in the PLACE1 | the
            ADJ1 SG1 VP1 ;
            it is false that someone V1 N1 -> N1 BE1 V1 by N2 | N2 V1 N1 ; it is false that N1 SYN1 N2 -> N1 SYNB1 N2 ;
            it is false that N1 ISYN1 -> N1 ISYNB1 ;
            N7 wrongly guessed that someone VP1 -> N1 VP1 | N1 P1 N2 VP1 | N1 VP1 in the PLACE1 ;
            N7 falsely reported that N1 SYN1 N2 -> N1 SYNB1 N2 ; N7 falsely reported that N1 HYPERV1 -> N1 HYPOV1"""),
        "negated_whole": read("""N1 never VP1 -> N1 VP1 in the PLACE1 | N1 P1 N2 VP1 | N1 VP1 because N2 VP2 | N1
            VP1 after N2 VP2 ;
            the SG1 never VP1 -> the ADJ1 SG1 VP1 ; N1 never I1 -> N1 I1 MANNER1 ;
            N1 VP1 -> N2 VP2 because N1 never VP1"""),
        "passive": read("""N1 V1 N2 -> N2 BE2 never V1 by N1 ; N1 BE1 V1 by N2 -> N2 never V1 N1 ;
            N1 never V1 N2 -> N2 BE2 V1 by N1"""),
        "number": read("""exactly NUM1 PL1 VP1 -> exactly NUM2 PL1 VP1 ;
            exactly FEWER1 PL1 VP1 -> NUM1 PL1 VP1 | at least NUM1 PL1 VP1 ;
            no PL1 VP1 -> some PL1 VP1 | at least NUM1 PL1 VP1 | exactly NUM1 PL1 VP1"""),
        "order": read("""N1 VP1 before N2 VP2 -> N1 VP1 after N2 VP2"""),
        "place": read("""N1 BE1 born in CITY1 -> N1 BE1 born in CITY2"""),
        "time": read("""N1 retired on DAY1 -> N1 retired on DAY2"""),
        "quantifier": read("""all the PL1 VP1 -> none of the PL1 VP1 ; some PL1 VP1 -> no PL1 VP1 ;
            NUM1 PL1 VP1 -> no PL1 VP1 ; everyone VP1 -> N1 never VP1"""),
    },
}

WITHOUT_OVERLAP: dict[str, Patterns] = {
    label: {name: pairs if name.startswith(("other_", "denial")) else asserted(pairs) for name, pairs in table.items()}
    for label, table in _WITHOUT.items()
}
"""The same, with at least one hypothesis word that is not in the premise."""
