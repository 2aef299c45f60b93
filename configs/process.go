package configs

// Shutdown is how the process ends.
type Shutdown struct {
	// Timeout is how long calls under way may take to finish after SIGTERM. What is cut off is sent again after the
	// next start; nothing is lost.
	Timeout Duration `yaml:"timeout"`
}

// DefaultShutdownTimeout ends before the 30 s after which Kubernetes kills a pod (terminationGracePeriodSeconds).
const DefaultShutdownTimeout = 25 * second

func defaultShutdown() Shutdown { return Shutdown{Timeout: DefaultShutdownTimeout} }

func (s *Shutdown) check(k *checker) { within(k, "shutdown.timeout", s.Timeout, 0, hour) }

// Log is what the process says about itself on stderr.
type Log struct {
	// Level is the least that is logged: debug, info, warn or error.
	Level string `yaml:"level"`
	// Format is json, console (for people), or auto: console on a terminal, else json.
	Format string `yaml:"format"`
	// Access has a line for each request at the front door.
	Access bool `yaml:"access"`
}

const (
	// DefaultLogLevel logs each change of state, and no single delivery.
	DefaultLogLevel = "info"
	// DefaultLogFormat suits whoever reads.
	DefaultLogFormat = "auto"
)

func defaultLog() Log { return Log{Level: DefaultLogLevel, Format: DefaultLogFormat} }

func (l *Log) check(k *checker) {
	oneOf(k, "log.level", l.Level, "debug", "info", "warn", "error")
	oneOf(k, "log.format", l.Format, "auto", "console", "json")
}
