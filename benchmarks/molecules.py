"""Known drugs, as questions: sixteen of usual size, and chains from twenty to two hundred atoms."""

DRUGS = (
    "CC(=O)Nc1ccc(O)cc1",
    "CC(=O)Oc1ccccc1C(=O)O",
    "CC(C)Cc1ccc(C(C)C(=O)O)cc1",
    "CCN(CC)CC(=O)Nc1c(C)cccc1C",
    "CN1CCC(=C2c3ccccc3CCc3ccccc32)CC1",
    "COc1ccc2[nH]c(S(=O)Cc3ncc(C)c(OC)c3C)nc2c1",
    "Cc1ccc(-c2cc(C(F)(F)F)nn2-c2ccc(S(N)(=O)=O)cc2)cc1",
    "CCOC(=O)N1CCC(=C2c3ccc(Cl)cc3CCc3cccnc32)CC1",
    "CN(C)CCCN1c2ccccc2CCc2ccccc21",
    "O=C(O)c1cn(C2CC2)c2cc(N3CCNCC3)c(F)cc2c1=O",
    "CC(C)NCC(O)COc1cccc2ccccc12",
    "COc1cc2ncnc(Nc3ccc(F)c(Cl)c3)c2cc1OCCCN1CCOCC1",
    "Cc1ccc(NC(=O)c2ccc(CN3CCN(C)CC3)cc2)cc1Nc1nccc(-c2cccnc2)n1",
    "CCCc1nn(C)c2c(=O)[nH]c(-c3cc(S(=O)(=O)N4CCN(C)CC4)ccc3OCC)nc12",
    "CC(C)(C)NCC(O)c1ccc(O)c(CO)c1",
    "Clc1ccc(C(c2ccccc2)N2CCN(CCOCCO)CC2)cc1",
)


def amide_chain(atoms: int) -> str:
    """Return an amide of about so many heavy atoms, built of para-aminobenzoyl units of nine atoms each."""
    units = max(1, round((atoms - 9) / 9))
    return "CC(=O)N" + "c1ccc(cc1)C(=O)N" * units + "c1ccccc1"
