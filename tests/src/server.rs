//! A local HTTP server with scripted responses, one for each request.

use std::collections::{HashMap, VecDeque};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A response to one request.
#[derive(Clone, Debug)]
pub enum Answer {
    /// The file, or the requested range of it.
    File(Vec<u8>),
    /// The complete file, even if a range is requested.
    Whole(Vec<u8>),
    /// A truncated response, which announces the length of the complete file, but sends only this
    /// many bytes before the connection is closed.
    Broken(Vec<u8>, usize),
    /// A status without a body.
    Status(u16),
    /// A redirect.
    Redirect(String),
}

#[derive(Debug, Default)]
struct Script {
    answers: HashMap<String, VecDeque<Answer>>,
    requests: Vec<String>,
}

/// The server. It runs until the process ends.
#[derive(Clone, Debug)]
pub struct Server {
    address: String,
    script: Arc<Mutex<Script>>,
}

impl Server {
    /// Starts a server on a free port.
    ///
    /// # Panics
    /// If there is no free port.
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a bound address").to_string();
        let server = Self { address, script: Arc::default() };
        let own = server.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let own = own.clone();
                std::thread::spawn(move || own.serve(&stream));
            }
        });
        server
    }

    /// Adds a response for a path. Requests get the responses in order, and the last response is
    /// repeated.
    ///
    /// # Panics
    /// If a server thread has panicked.
    #[must_use]
    pub fn answer(self, path: &str, answer: Answer) -> Self {
        let mut script = self.script.lock().expect("the script");
        script.answers.entry(path.to_owned()).or_default().push_back(answer);
        drop(script);
        self
    }

    /// Returns the URL of a path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Returns the requests so far, in the form `GET /path`, or `GET /path from N` if a range was
    /// requested.
    ///
    /// # Panics
    /// If a server thread has panicked.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        self.script.lock().expect("the script").requests.clone()
    }

    fn serve(&self, stream: &TcpStream) {
        let mut reader = BufReader::new(stream);
        while self.serve_one(stream, &mut reader) {}
    }

    /// Serves one request. Returns true if the request opened a tunnel, in which this server then
    /// serves the next request.
    fn serve_one(&self, mut stream: &TcpStream, reader: &mut BufReader<&TcpStream>) -> bool {
        let mut lines = reader.lines().map_while(Result::ok);
        let Some(request) = lines.next() else { return false };
        let mut offset = None;
        for line in lines.take_while(|line| !line.is_empty()) {
            let line = line.to_ascii_lowercase();
            if let Some(range) = line.strip_prefix("range: bytes=") {
                offset = range.trim_end_matches('-').parse::<usize>().ok();
            }
        }
        let mut words = request.split(' ');
        let (method, target) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        if method == "CONNECT" {
            self.script.lock().expect("the script").requests.push(format!("{method} {target}"));
            return stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").is_ok();
        }
        let answer = self.next(method, target, offset);
        let _ = send(stream, answer, offset);
        false
    }

    fn next(&self, method: &str, path: &str, offset: Option<usize>) -> Answer {
        let mut script = self.script.lock().expect("the script");
        let from = offset.map(|offset| format!(" from {offset}")).unwrap_or_default();
        script.requests.push(format!("{method} {path}{from}"));
        let answers = script.answers.get_mut(path);
        let answer = answers.and_then(|answers| {
            if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() }
        });
        answer.unwrap_or(Answer::Status(404))
    }
}

fn send(mut stream: &TcpStream, answer: Answer, offset: Option<usize>) -> std::io::Result<()> {
    let head = |status: &str, length: usize, more: &str| {
        format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{more}\r\n")
    };
    match answer {
        Answer::File(bytes) => match offset {
            Some(offset) if offset >= bytes.len() => {
                let range = format!("Content-Range: bytes */{}\r\n", bytes.len());
                stream.write_all(head("416 Range Not Satisfiable", 0, &range).as_bytes())
            }
            Some(offset) => {
                let (last, total) = (bytes.len() - 1, bytes.len());
                let range = format!("Content-Range: bytes {offset}-{last}/{total}\r\n");
                stream.write_all(head("206 Partial Content", total - offset, &range).as_bytes())?;
                stream.write_all(&bytes[offset..])
            }
            None => {
                stream.write_all(head("200 OK", bytes.len(), "").as_bytes())?;
                stream.write_all(&bytes)
            }
        },
        Answer::Whole(bytes) => {
            stream.write_all(head("200 OK", bytes.len(), "").as_bytes())?;
            stream.write_all(&bytes)
        }
        Answer::Broken(bytes, count) => {
            stream.write_all(head("200 OK", bytes.len(), "").as_bytes())?;
            stream.write_all(&bytes[..count])
        }
        Answer::Status(code) => {
            stream.write_all(head(&format!("{code} Scripted"), 0, "").as_bytes())
        }
        Answer::Redirect(to) => {
            stream.write_all(head("302 Found", 0, &format!("Location: {to}\r\n")).as_bytes())
        }
    }
}
