export default function Trace() { return <p>Trace</p>; }
