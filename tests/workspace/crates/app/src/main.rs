//! Says all there is to say; with `frames`, where the debug information leads.

fn main() {
    if std::env::args().nth(1).as_deref() == Some("frames") {
        for frame in app::frames() {
            println!("{frame}");
        }
        return;
    }
    println!("main file: {}", file!());
    for line in app::lines() {
        println!("{line}");
    }
}
