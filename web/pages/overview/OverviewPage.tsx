import { ChecklistCard } from './ChecklistCard.tsx';
import { CurrentRunCard } from './CurrentRunCard.tsx';
import { FailuresCard } from './FailuresCard.tsx';
import { Figures } from './Figures.tsx';
import { HistoryCard } from './HistoryCard.tsx';
import { IncidentsCard } from './IncidentsCard.tsx';
import { ModelCard } from './ModelCard.tsx';
import { StatePanel } from './StatePanel.tsx';
import { UpstreamsCard } from './UpstreamsCard.tsx';

/** Whether it is all right, and what happened. */
export function OverviewPage() {
  return (
    <>
      <StatePanel />
      <ChecklistCard />
      <Figures />
      <div class="grid">
        <CurrentRunCard />
        <UpstreamsCard />
      </div>
      <FailuresCard />
      <HistoryCard />
      <div class="grid">
        <IncidentsCard />
        <ModelCard />
      </div>
    </>
  );
}
