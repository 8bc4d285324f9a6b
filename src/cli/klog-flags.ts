/**
 * The flags of Kubernetes' klog, which manifests written for upstream pass along: accepted and ignored, but for `v`.
 * True marks those that are boolean.
 */
export const klogFlags: Readonly<Record<string, boolean>> = {
  'add-dir-header': true,
  alsologtostderr: true,
  'log-backtrace-at': false,
  'log-dir': false,
  'log-file': false,
  'log-file-max-size': false,
  'log-flush-frequency': false,
  'log-json-info-buffer-size': false,
  'log-json-split-stream': true,
  'logging-format': false,
  logtostderr: true,
  'one-output': true,
  'skip-headers': true,
  'skip-log-headers': true,
  stderrthreshold: false,
  v: false,
  vmodule: false,
};

/** klog's verbosity from which it tells as much as our debug level. */
const debugVerbosity = 4;

/** The log level that klog's `--v=N` asks for; undefined where the text is no number. */
export function levelOfVerbosity(text: string): 'info' | 'debug' | undefined {
  if (!/^-?\d+$/.test(text)) return undefined;
  return Number(text) >= debugVerbosity ? 'debug' : 'info';
}
