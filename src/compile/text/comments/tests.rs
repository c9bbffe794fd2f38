//! Comments and directives.

use super::*;

/// The prepared text. Its length and its lines must be those of the original.
fn prepared(text: &str) -> String {
    let out = prepare(text).unwrap();
    assert_eq!(out.len(), text.len());
    assert_eq!(out.matches('\n').count(), text.matches('\n').count());
    out
}

#[test]
fn comments_become_blanks() {
    for (text, expected) in [
        ("a // b\nc", "a     \nc"),
        ("a /* b */ c", "a         c"),
        ("a/* /* */ */c", "a           c"),
        ("a/*/ */c", "a      c"),
        ("a/**/c", "a    c"),
        ("a /* x\ny */ b", "a     \n     b"),
        ("a // \u{e4}\u{2028}b", "a      \u{2028}b"),
        ("a / b * c", "a / b * c"),
        ("//", "  "),
        ("a//\r\nb", "a  \r\nb"),
    ] {
        assert_eq!(prepared(text), expected);
    }
    assert_eq!(prepare("ab /* /* */ "), Err(Unclosed(3)));
    assert_eq!(prepare("/*/"), Err(Unclosed(0)));
}

#[test]
fn subgroups_go() {
    let blank = |count| " ".repeat(count);
    for (text, expected) in [
        ("enable subgroups;x", format!("{}x", blank(17))),
        ("enable subgroups ;\nenable f16;", format!("{}\nenable f16;", blank(18))),
        ("enable f16, subgroups;", format!("enable f16{};", blank(11))),
        ("enable subgroups, f16;", format!("enable {} f16;", blank(10))),
        ("enable f16, subgroups, clip_distances;", format!("enable f16{}, clip_distances;", blank(11))),
        ("requires a; enable f16;\n enable\nsubgroups;", format!("requires a; enable f16;\n {}\n{}", blank(6), blank(10))),
        ("diagnostic(off, subgroup_uniformity); enable subgroups;", format!("diagnostic(off, subgroup_uniformity); {}", blank(17))),
        ("enable f16;", "enable f16;".into()),
        ("enable subgroups", "enable subgroups".into()),
        ("// enable subgroups;\nfn a() {}", format!("{}\nfn a() {{}}", blank(20))),
        ("fn a() {} enable subgroups;", "fn a() {} enable subgroups;".into()),
        ("const subgroups = 1;", "const subgroups = 1;".into()),
        ("requires subgroups;", "requires subgroups;".into()),
    ] {
        assert_eq!(prepared(text), expected, "{text}");
    }
}
