/** The part of the `xmlrpc` package that is used: its encoder of calls. */
declare module 'xmlrpc/lib/serializer.js' {
  export function serializeMethodCall(method: string, params: readonly unknown[]): string;
}
