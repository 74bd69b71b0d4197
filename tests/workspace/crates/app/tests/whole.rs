//! An integration test of the program and of the library.

#[test]
fn the_program_says_what_the_library_says() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_matrix")).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    for line in app::lines().iter().filter(|line| !line.starts_with("panic")) {
        assert!(said.contains(line), "no `{line}` in\n{said}");
    }
    assert_eq!(file!(), "crates/app/tests/whole.rs");
}
