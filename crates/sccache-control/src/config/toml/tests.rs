use super::*;
use rstest::rstest;

fn put(text: &str, keys: &str) -> String {
    let keys: Vec<&str> = keys.split('.').collect();
    set(text, Path::new("config"), &keys, &Value::from(5)).unwrap()
}

fn take(text: &str, keys: &str) -> String {
    let keys: Vec<&str> = keys.split('.').collect();
    unset(text, Path::new("config"), &keys).unwrap().unwrap()
}

#[rstest]
#[case::empty("", "a.b.c", "[a.b]\nc = 5\n")]
#[case::top("", "a", "a = 5\n")]
#[case::top_before_headers("# hi\n[b]\n", "a", "a = 5\n\n# hi\n[b]\n")]
#[case::top_after_others("x = 1 # x\n\n[b]\n", "a", "x = 1 # x\na = 5\n\n[b]\n")]
#[case::over("a.b = 1 # one\r\n", "a.b", "a.b = 5 # one\r\n")]
#[case::header("[a.b] # h\n\n[c]\n", "a.b.c", "[a.b] # h\nc = 5\n\n[c]\n")]
#[case::below_others(
    "[a.b]\n  x = [1,\n 2] # y\n# z\n",
    "a.b.c",
    "[a.b]\n  x = [1,\n 2] # y\n  c = 5\n# z\n"
)]
#[case::crlf_open("[a.b]\r\nx = 1", "a.b.c", "[a.b]\r\nx = 1\r\nc = 5")]
#[case::new_header("[a]\nx = 1\n", "a.b.c", "[a]\nx = 1\n\n[a.b]\nc = 5\n")]
#[case::new_header_open("[a]", "a.b.c", "[a]\n\n[a.b]\nc = 5")]
#[case::below_implied("[a.b.d]\nx = 1\n", "a.b.c", "[a.b.d]\nx = 1\n\n[a.b]\nc = 5\n")]
#[case::dotted("[a]\nb.x = 1\n\n[z]\n", "a.b.c", "[a]\nb.x = 1\nb.c = 5\n\n[z]\n")]
#[case::dotted_top("a.b.x = 1\n[z]\n", "a.b.c", "a.b.x = 1\na.b.c = 5\n[z]\n")]
#[case::dotted_sister("a.x.y = 1\n", "a.b.c", "a.x.y = 1\na.b.c = 5\n")]
#[case::braces("[a]\nb = { x = 1 }\n", "a.b.c", "[a]\nb = { x = 1, c = 5 }\n")]
#[case::braces_empty("[a]\nb = {}\n", "a.b.c", "[a]\nb = { c = 5 }\n")]
#[case::braces_deep("a = { b = { x = 1 } }\n", "a.b.c", "a = { b = { x = 1, c = 5 } }\n")]
#[case::braces_outer("a = { x = 1 }\n", "a.b.c", "a = { x = 1, b.c = 5 }\n")]
#[case::braces_dotted("a = { b.x = 1 }\n", "a.b.c", "a = { b.x = 1, b.c = 5 }\n")]
#[case::braces_comma("a = { x = 1, }\n", "a.c", "a = { x = 1, c = 5, }\n")]
#[case::mark("\u{feff}[a]\nx = 1\n", "b", "\u{feff}b = 5\n\n[a]\nx = 1\n")]
fn set_touches_nothing_else(#[case] before: &str, #[case] keys: &str, #[case] after: &str) {
    let made = put(before, keys);
    assert_eq!(made, after);
    let keys: Vec<&str> = keys.split('.').collect();
    let document = parse(&made, Path::new("config")).unwrap();
    let (_, item) = find(document.as_table(), &keys).unwrap();
    assert_eq!(item.as_integer(), Some(5));
}

#[rstest]
#[case::line("[a]\nx = 1 # x\ny = 2\n", "a.x", "[a]\ny = 2\n")]
#[case::open("[a]\nx = 1\ny = 2", "a.y", "[a]\nx = 1\n")]
#[case::only("[a]\r\nx = 1\r\n", "a.x", "[a]\r\n")]
#[case::table(
    "# t\n[a]\nx = 1\n# c\ny = 2\n\n# b\n[b]\n[a.c]\nz=1\n",
    "a",
    "# t\n\n# b\n[b]\n"
)]
#[case::dotted("a.b.x = 1\nc = 2\na.b.y = 3\n", "a.b", "c = 2\n")]
#[case::braces_first("a = { x = 1, y = 2 }\n", "a.x", "a = { y = 2 }\n")]
#[case::braces_last("a = { x = 1, y = 2 }\n", "a.y", "a = { x = 1 }\n")]
#[case::braces_middle("a = { x = 1, y = 2, z = 3 }\n", "a.y", "a = { x = 1, z = 3 }\n")]
#[case::braces_only("a = { x = 1 }\n", "a.x", "a = {  }\n")]
#[case::braces_dotted("a = { b.x = 1, c = 1, b.y = 2 }\n", "a.b", "a = { c = 1 }\n")]
#[case::list("[[a]]\nx = 1\n[b]\n[[a]]\nx = 2\n", "a", "[b]\n")]
fn unset_takes_its_own(#[case] before: &str, #[case] keys: &str, #[case] after: &str) {
    assert_eq!(take(before, keys), after);
}

#[test]
fn an_error_has_its_location() {
    let problem = parse("[a]\nb = x\n", Path::new("config")).unwrap_err();
    assert_eq!(problem.place.unwrap().line, 2);
}
