import { isAlias, isMap, isScalar, isSeq, LineCounter, type ParsedNode, parseDocument } from 'yaml';

/** From the root: the keys of maps and the indexes of lists. */
export type Path = readonly PropertyKey[];

export interface FileProblem {
  readonly line: number;
  readonly path: Path;
  readonly text: string;
}

export interface YamlFile {
  /** With the values of the variables. Use it only if there are no `syntaxProblems`. */
  readonly value: unknown;
  readonly syntaxProblems: readonly FileProblem[];
  /** References to variables that cannot be replaced; `value` still contains them. */
  readonly referenceProblems: readonly FileProblem[];
  /** The line of the key or member, or of the nearest one around it that the file has. */
  lineOf(path: Path): number;
  /** The text of the file at that path, without the values of variables, which may be secrets; undefined: none. */
  writtenAt(path: Path): unknown;
}

type Variables = Readonly<Record<string, string>>;

/** A small file with aliases of aliases could otherwise grow to gigabytes. */
const MAX_ALIASES = 100;

/** `$${`, `${NAME}`, or a `${` that begins no reference. */
const REFERENCE = /\$\$\{|\$\{(?:([A-Za-z_]\w*)\})?/g;

const keyOf = (path: Path): string => path.map(String).join('\0');

/** Parses a YAML 1.2 text and replaces `${NAME}` in its texts. */
export function readYaml(text: string, variables: Variables): YamlFile {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false });
  const lineAt = (offset: number) => counter.linePos(offset).line;
  const places = new Map<string, { readonly line: number; readonly written: unknown }>();
  const syntaxProblems: FileProblem[] = [];
  const referenceProblems: FileProblem[] = [];
  let aliases = 0;

  /** One mistake makes the parser report several errors, usually on one line. */
  const addSyntaxProblem = (line: number, path: Path, problem: string) => {
    if (!syntaxProblems.some((other) => other.line === line))
      syntaxProblems.push({ line, path, text: problem });
  };

  function read(node: ParsedNode | null, path: Path, line: number): { value: unknown; written: unknown } {
    const found = content(node, path, line);
    places.set(keyOf(path), { line, written: found.written });
    return found;
  }

  function content(node: ParsedNode | null, path: Path, line: number): { value: unknown; written: unknown } {
    if (isAlias(node)) {
      const target = ++aliases > MAX_ALIASES ? undefined : node.resolve(document);
      if (target !== undefined) return content(target as ParsedNode, path, line);
      if (aliases > MAX_ALIASES)
        addSyntaxProblem(
          line,
          [],
          `the file uses more than ${MAX_ALIASES} aliases. Repeat the values instead`,
        );
      else
        addSyntaxProblem(
          line,
          path,
          `there is no anchor &${node.source} above this alias. Put a text that begins with * in quotes`,
        );
      return { value: null, written: null };
    }
    if (isMap(node)) {
      const entries = node.items.map(({ key, value }) => {
        const name = isScalar(key) ? String(key.value) : String(key);
        return [name, read(value, [...path, name], lineAt(key.range[0]))] as const;
      });
      return {
        value: Object.fromEntries(entries.map(([name, { value }]) => [name, value])),
        written: Object.fromEntries(entries.map(([name, { written }]) => [name, written])),
      };
    }
    if (isSeq(node)) {
      const members = node.items.map((one, index) => read(one, [...path, index], lineAt(one.range[0])));
      return {
        value: members.map(({ value }) => value),
        written: members.map(({ written }) => written),
      };
    }
    const written = node?.value ?? null;
    return { value: typeof written === 'string' ? replaced(written, path, line) : written, written };
  }

  function replaced(written: string, path: Path, line: number): string {
    return written.replaceAll(REFERENCE, (reference, name: string | undefined) => {
      if (reference === '$${') return '${';
      const value = name === undefined ? undefined : variables[name];
      if (value !== undefined) return value;
      const problem =
        name === undefined
          ? `expected the name of a variable, such as \${NAME}`
          : `the variable ${name} is not set`;
      referenceProblems.push({ line, path, text: `${problem}. To write the text \${, write $\${` });
      return reference;
    });
  }

  const errors = [...document.errors, ...document.warnings];
  // Once the parser has lost the structure, each line that follows is an error of this kind.
  const causes = errors.filter(({ message }, index) => index === 0 || !message.includes('in YAML stream'));
  for (const { code, message, pos } of causes)
    addSyntaxProblem(lineAt(pos[0]), [], syntaxText(code, message));
  const { value } = read(document.contents, [], 1);

  return {
    value,
    syntaxProblems,
    referenceProblems,
    lineOf(path) {
      for (let length = path.length; length > 0; length--) {
        const place = places.get(keyOf(path.slice(0, length)));
        if (place !== undefined) return place.line;
      }
      return 1;
    },
    writtenAt: (path) => places.get(keyOf(path))?.written,
  };
}

function syntaxText(code: string, message: string): string {
  if (code === 'DUPLICATE_KEY') return 'this key is a duplicate. Remove one of them';
  if (code === 'TAB_AS_INDENT') return 'a tab indents this line. Use blanks';
  if (code === 'MULTIPLE_DOCS') return 'a second document begins here. Remove the line ---';
  return `no valid YAML (${message}). Put a text with special characters in quotes`;
}
