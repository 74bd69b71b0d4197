//! Words in the string literals of a build script that cannot be names of variables of the environment.

/// Characters of an option such as `--crate-name=app`, besides letters and digits.
const OF_OPTIONS: &str = "-_=./:,+{}";

/// Whether `word`, a part of the literal `text`, may be the name of a variable that the script or a program that it runs reads
/// without a note. A word without upper-case letters is none in an option of a program (`--out-dir`) and as a placeholder of a
/// format (`{out}`). A script that derives a name from it reads the variable by that name, which is noted.
pub(super) fn may_be_of_environment(word: &str, text: &str) -> bool {
    let has_upper = word.contains(|letter: char| letter.is_uppercase());
    has_upper || !is_option(text) && !is_placeholder(word, text)
}

fn is_option(text: &str) -> bool {
    text.starts_with('-')
        && text
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || OF_OPTIONS.contains(letter))
}

/// Whether `word` stands between braces in `text`. `${out}` and `${{out}}` are variables of a shell.
fn is_placeholder(word: &str, text: &str) -> bool {
    let at = word.as_ptr() as usize - text.as_ptr() as usize;
    let before = text[..at].strip_suffix('{');
    let is_begun = before.is_some_and(|before| !before.ends_with(['{', '$']));
    is_begun && text[at + word.len()..].starts_with(['}', ':'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("--out-dir", false)]
    #[case("--crate-name=out", false)]
    #[case("cargo::rustc-link-search={out}/lib", false)]
    #[case("{out:?}", false)]
    #[case("out", true)]
    #[case("echo $out", true)]
    #[case("echo ${out}", true)]
    #[case("echo ${{out}}", true)]
    #[case("-Wl,-rpath,$out", true)]
    #[case("-c print(environ['out'])", true)]
    fn words_of_options_and_placeholders_are_no_variables(
        #[case] text: &str,
        #[case] expected: bool,
    ) {
        let mut words = crate::macro_effects::words(text);
        let found = words.find(|word| *word == "out").unwrap();
        assert_eq!(may_be_of_environment(found, text), expected);
    }
}
