use super::*;

fn read(code: &str) -> Source {
    read_with(code, &[])
}

/// A script with this code and other files.
fn read_with(code: &str, others: &[(&str, &str)]) -> Source {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let file = directory.path().join(name);
        fsio::replace(&file, text.as_bytes()).unwrap();
        file
    };
    write("build.rs", &format!("fn main() {{ {code} }}\n"));
    let mut rule = "build: build.rs".to_owned();
    for (name, text) in others {
        write(name, text);
        rule = format!("{rule} {name}");
    }
    let dep_info = write("build.d", &format!("{rule}\n"));
    Source::read(&dep_info, directory.path()).unwrap()
}

/// Why runs of a script with this code cannot be cached, if so.
fn hazard(code: &str) -> Option<Uncacheable> {
    read(code).hazard(&AmbientInputs::default(), false)
}

/// pyo3-ffi prints the first of these as a help. gmp-mpfr-sys panics with the third one, krb5-src prints the fourth one.
#[rstest::rstest]
#[case("set PYO3_NO_CHECK=1 to suppress this check", false)]
#[case("export CC to select the compiler", false)]
#[case("env var HOST having sensible characters", false)]
#[case("set ac_cv_func_regcomp={{yes|no}} in the environment", false)]
#[case("set x={yes|env", true)]
#[case("set x={yes|no}|env", true)]
#[case("set x={|env}", false)]
#[case("env", true)]
#[case("env -0", true)]
#[case("env printenv", true)]
#[case("set", true)]
#[case("set | sort", true)]
#[case("set > all.txt", true)]
#[case("set x; set", true)]
#[case("set x\nset", true)]
#[case("export -p", true)]
#[case("env NAME=1 tool", true)]
fn a_sentence_is_not_a_command_that_prints_all_variables(
    #[case] text: &str,
    #[case] expected: bool,
) {
    let code = format!("std::process::Command::new(\"sh\"); println!(\"{text}\");");
    assert_eq!(
        read(&code).prints_variables(&AmbientInputs::default()),
        expected
    );
}

/// psm has such a variable.
#[rstest::rstest]
#[case("let asm = \"x.s\"; cc::Build::new().file(asm);", false)]
#[case("let (asm, ok) = find(arch); if ok { asm } else { asm.len() }", false)]
#[case("asm!(\"nop\");", true)]
#[case("core::arch::asm! { \"nop\" }", true)]
#[case("use core::{arch as a}; use a::{global_asm as g}; g!(\"nop\");", true)]
#[case("use core::arch::*; call!(asm);", true)]
fn a_variable_called_asm_is_no_assembler_code(#[case] code: &str, #[case] expected: bool) {
    let used = AmbientInputs::default();
    assert_eq!(read(code).lists_variables(&used), expected);
}

#[rstest::rstest]
#[case("let _ = 1;", false)]
#[case("let name = format!(\"{}_{}\", 1, 2);", false)]
#[case("let name = name.replace('-', \"_\");", false)]
#[case("let name = name.replace(\"_\", \"-\");", false)]
#[case("let all = env::vars().filter(|(name, _)| name == \"_\");", true)]
#[case("let name = \"_\"; let shell = std::env::var(name);", false)]
#[case("let shell = std::env::var(\"_\");", true)]
#[case("let shell = option_env!(\"_\");", true)]
fn an_underscore_is_a_variable_only_where_one_is_read(#[case] code: &str, #[case] expected: bool) {
    assert_eq!(
        read(code)
            .words(&AmbientInputs::default(), true)
            .contains("_"),
        expected
    );
    // A read of the variable would not be noted.
    let is_text = code.contains("\"_\"") && !code.contains("replace('-', \"_\")");
    assert_eq!(
        read(code)
            .words(&AmbientInputs::default(), false)
            .contains("_"),
        is_text
    );
}

#[rstest::rstest]
#[case("let name = 1;", false)]
#[case("let name = std::env::var(\"name\");", true)]
#[case("let name = std::env::vars();", true)]
#[case("let name = stringify!(name);", true)]
#[case("macro_rules! all { ($name:ident) => {} }", true)]
fn a_local_variable_is_none_of_the_environment(#[case] code: &str, #[case] expected: bool) {
    let source = read(code);
    let used = AmbientInputs::default();
    assert_eq!(source.words(&used, true).contains("name"), expected);
    assert!(source.words(&used, false).contains("name"));
}

#[rstest::rstest]
#[case(
    "let c = Command::new(\"git\"); println!(\"cargo:rustc-env=C={c}\");",
    Some(Stamp::Commit)
)]
#[case(
    "let t = SystemTime::now(); println!(\"cargo::rustc-env=T={t}\");",
    Some(Stamp::Time)
)]
#[case("Command::new(\"git\").args([\"submodule\", \"update\"]);", None)]
#[case("let t = Instant::now(); println!(\"cargo:rustc-env=A=b\");", None)]
#[case(
    "println!(\"cargo:rustc-env=DATE={}\", version()); // SystemTime",
    None
)]
fn commits_and_times_in_variables_are_stamps(#[case] code: &str, #[case] expected: Option<Stamp>) {
    assert_eq!(stamp(&format!("fn main() {{ {code} }}")), expected);
}

#[rstest::rstest]
#[case("std::time::SystemTime::now();", Some(Uncacheable::ScriptClock))]
#[case(
    "fs::metadata(file)?.modified()? > std::time::UNIX_EPOCH;",
    Some(Uncacheable::ScriptFileTimes)
)]
#[case("Command::new(\"date\");", Some(Uncacheable::ScriptClock))]
#[case("Command::new(\"/bin/date\");", Some(Uncacheable::ScriptClock))]
#[case(
    "Command::new(\"sh\").args([\"-c\", \"echo $(date)\"]);",
    Some(Uncacheable::ScriptClock)
)]
#[case(
    "Command::new(\"curl\").arg(\"-O\");",
    Some(Uncacheable::ScriptNetwork)
)]
#[case("fs::read(\"/proc/cpuinfo\");", Some(Uncacheable::ScriptMachine))]
// Messages and comments.
#[case("println!(\"the file was created now, the date is kept\");", None)]
#[case("/* download with curl */ let id = 1;", None)]
#[case("fs::write(\"/dev/null\", \"\");", None)]
// It runs no program.
#[case("let kinds = [(\"curl\", \"text/vnd.curl\"), (\"id\", \"\")];", None)]
#[case(
    "extern \"C\" { fn system(command: *const u8); } system(\"curl\");",
    Some(Uncacheable::ScriptNetwork)
)]
#[case("libc::execv(\"/bin/date\");", Some(Uncacheable::ScriptClock))]
fn a_program_counts_only_in_a_script_that_runs_programs(
    #[case] code: &str,
    #[case] why: Option<Uncacheable>,
) {
    assert_eq!(hazard(code), why);
}

/// librocksdb-sys includes a list of files, one of which is `util/random.cc`.
#[rstest::rstest]
#[case("include_str!(\"list.txt\");", None)]
#[case("std::include_bytes! (\n\"../list.txt\");", None)]
#[case("include!(\"list.txt\");", Some(Uncacheable::ScriptRandom))]
#[case(
    "include!(concat!(\"list\", \".txt\")); include_str!(\"list.txt\");",
    Some(Uncacheable::ScriptRandom)
)]
#[case(
    "include_str!(\"list.txt\"); call!(\"list.txt\");",
    Some(Uncacheable::ScriptRandom)
)]
#[case("my_include_str!(\"list.txt\");", Some(Uncacheable::ScriptRandom))]
#[case("include_str!(\"my_list.txt\");", Some(Uncacheable::ScriptRandom))]
#[case(
    "#[path = \"list.txt\"] mod list; include_str!(\"list.txt\");",
    Some(Uncacheable::ScriptRandom)
)]
#[case(
    "include_str!(concat!(\"list\", \".txt\"));",
    Some(Uncacheable::ScriptRandom)
)]
fn an_included_text_is_no_code(#[case] code: &str, #[case] expected: Option<Uncacheable>) {
    let source = read_with(
        code,
        &[("list.txt", "util/random.cc\nTZ\nset -e\ngit is used\n")],
    );
    let used = AmbientInputs::default();
    assert_eq!(source.hazard(&used, true), expected);
    // It may be a list of variables, but its lines are no commands.
    assert!(source.words(&used, true).contains("TZ"));
    assert!(!source.prints_variables(&used) && !source.reads_git(&used));
}

#[test]
fn strings_in_an_included_text_count() {
    let list = [(
        "list.json",
        "{ \"commands\": [\"date\", \"curl\"], \"file\": \"/proc/cpuinfo\" }",
    )];
    let code = "std::process::Command::new(include_str!(\"list.json\"));";
    let source = read_with(code, &list);
    assert_eq!(
        source.hazard(&AmbientInputs::default(), true),
        Some(Uncacheable::ScriptMachine)
    );
    assert!(source.possible_programs().any(|program| program == "curl"));
}

/// It may write a program from it, and run that.
#[test]
fn an_included_program_is_code() {
    let source = read_with(
        "include_str!(\"probe.c\");",
        &[("probe.c", "int main(void) { return random(); }")],
    );
    assert_eq!(
        source.hazard(&AmbientInputs::default(), true),
        Some(Uncacheable::ScriptRandom)
    );
}
