/** One kind of document that is mirrored: a header model, its line model, and the state key. */
export interface DocumentDefinition {
  readonly key: string;
  readonly model: string;
  readonly lineModel: string;
  /** The header's one2many to take where several lead to the line model. */
  readonly linesField?: string | undefined;
  /** False: the contents of binary fields are left out. */
  readonly binaries: boolean;
}

/** The state key of the one mirror that ships. */
export const BC_KEY = 'bclinbc';

/** The bons de commande, or whichever header and lines the configuration names. */
export function bcDefinition(
  { model, lineModel, linesField }: Pick<DocumentDefinition, 'model' | 'lineModel' | 'linesField'>,
  { binaries }: Pick<DocumentDefinition, 'binaries'>,
): DocumentDefinition {
  return { key: BC_KEY, model, lineModel, linesField, binaries };
}
