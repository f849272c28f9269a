/** Of one process. Each export holds one of its ten connections for as long as its client takes. */
export class ExportPlaces {
  readonly most = 3;
  #taken = 0;

  /** Whether there was one; it is to be given back. */
  take(): boolean {
    if (this.#taken === this.most) return false;
    this.#taken += 1;
    return true;
  }

  giveBack(): void {
    this.#taken -= 1;
  }
}
