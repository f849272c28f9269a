/**
 * One line that says so when this Node is too old, else null. An old Node must be able to read this file: plain syntax,
 * no imports; the rest of the program is imported after the answer.
 */
export function nodeProblem(version: string): string | null {
  const parts = version.split('.');
  const major = Number(parts[0]);
  const minor = Number(parts[1]);
  if (major > 20 || (major === 20 && minor >= 19)) return null;
  return `Passerelle needs Node 20.19 or newer; this is Node ${version}.`;
}
