//! The program runs.

#[test]
fn it_runs() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_tool")).output().unwrap();
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("native: 42"));
}
